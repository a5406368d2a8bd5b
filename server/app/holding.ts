/** Answers while the database is not there yet: alive, not ready, and nothing pretends to be saved. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#platform/clock';
import { type AppError, unauthenticated, unavailable } from '#platform/errors';
import { errorBody, goodBody } from '#platform/http/envelope';
import { newId } from '#platform/ids';

/** `securityHeaders`: flat name-value pairs sent with every answer. */
export function createHolding({ clock, version, securityHeaders }: { clock: Clock; version: string; securityHeaders: readonly string[] }) {
  const answer = (res: ServerResponse, status: number, body: Buffer, headers: readonly string[] = []) => {
    res.writeHead(status, [
      'x-request-id',
      newId(),
      'content-type',
      'application/json; charset=utf-8',
      'content-length',
      String(body.length),
      ...headers,
      ...securityHeaders,
    ]);
    res.end(body);
  };
  const refuse = (res: ServerResponse, error: AppError) =>
    answer(res, error.status, errorBody(error), error.status === 503 ? ['retry-after', '2'] : ['www-authenticate', 'Bearer']);
  return (req: IncomingMessage, res: ServerResponse): void => {
    const path = (req.url ?? '').split('?')[0];
    if (path === '/health/live') return answer(res, 200, goodBody({ status: 'ok' }, { timestamp: clock.now(), version }));
    const open = path === '/health' || path === '/health/ready' || path === '/api/auth/login';
    const credentials = req.headers['x-api-key'] ?? req.headers.authorization ?? req.headers.cookie;
    if (!open && credentials === undefined) return refuse(res, unauthenticated());
    refuse(
      res,
      unavailable({ message: 'Starting: the database is not reachable or not migrated yet.', details: { status: 'unavailable', database: { state: 'down' } } }),
    );
  };
}
