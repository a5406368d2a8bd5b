/** Answers what Node's parser refuses before it is a request: the same envelope as every other refusal, then the connection ends. */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type AppError, defineError, invalidRequest } from '#platform/errors';
import { errorBody } from '#platform/http/envelope';
import { newId } from '#platform/ids';

const requestTimeout = defineError({ code: 'REQUEST_TIMEOUT', status: 408, message: 'The request took too long to arrive.' });
const headersTooLarge = defineError({ code: 'HEADERS_TOO_LARGE', status: 431, message: 'The request line or its headers are too large.' });

const faults: Record<string, () => AppError> = { ERR_HTTP_REQUEST_TIMEOUT: () => requestTimeout(), HPE_HEADER_OVERFLOW: () => headersTooLarge() };

/** The server's `clientError` listener; `securityHeaders` are flat name-value pairs. */
export function createBrokenRequest(securityHeaders: readonly string[]) {
  return (error: NodeJS.ErrnoException, socket: Socket & { _httpMessage?: ServerResponse | null }): void => {
    // Half an answer cannot be taken back, and a caller who is gone hears none.
    if (!socket.writable || error.code === 'ECONNRESET' || socket._httpMessage?.headersSent) return void socket.destroy();
    const fault = (faults[error.code ?? ''] ?? (() => invalidRequest()))();
    const body = errorBody(fault);
    const headers = [
      'x-request-id',
      newId(),
      'content-type',
      'application/json; charset=utf-8',
      'content-length',
      String(body.length),
      ...securityHeaders,
      'connection',
      'close',
    ];
    const lines = headers.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${headers[i + 1]}\r\n`] : []));
    socket.write(Buffer.concat([Buffer.from(`HTTP/1.1 ${fault.status} ${STATUS_CODES[fault.status]}\r\n${lines.join('')}\r\n`), body]));
    socket.destroySoon();
  };
}
