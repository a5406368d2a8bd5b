/** What every answer of the gateway must be, whoever asked for what. */
import { expect } from 'vitest';
import type { Answer } from '../support/app.ts';

export function expectDressed(answer: Pick<Answer, 'headers'>): void {
  const { headers } = answer;
  expect(headers.get('x-request-id')).toMatch(/^[\w-]{8,64}$/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(headers.get('content-security-policy')).not.toMatch(/script-src[^;]*unsafe/);
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  for (const name of ['x-powered-by', 'etag', 'server', 'access-control-allow-origin']) expect(headers.get(name), name).toBeNull();
}

/** Words of ours or of our machinery that no answer may hold. */
const INSIDE =
  /\bat .*\.(ts|js):\d|node_modules|\/server\/|select |insert into|update .* set|syntax error|sqlite|no such (table|column)|relation "|violates|constraint "|pg_|ECONN/i;

export function expectRefusal(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body?.code }, answer.text).toEqual({ status, code });
  expectEnvelope(answer);
}

/** The envelope of a refusal, whichever it is; never a 500. */
export function expectEnvelope(answer: Answer): void {
  expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(Object.keys(answer.body)).toEqual(['error', 'message', 'code', 'details']);
  expect(answer.body).toMatchObject({ error: true, code: expect.stringMatching(/^[A-Z][A-Z_]+$/), message: expect.any(String), details: expect.any(Object) });
  expect(answer.text).not.toMatch(INSIDE);
  expectDressed(answer);
}
