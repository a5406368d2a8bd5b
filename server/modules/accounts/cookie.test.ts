import { describe, expect, test } from 'vitest';
import { newId, newSecret } from '#platform/ids';
import { clearedCookie, sessionCookie, sessionOf } from './cookie.ts';
import { newSessionToken, sessionOfToken } from './session-token.ts';

describe('the session cookie', () => {
  const token = newSessionToken(newId());
  const planted = newSessionToken(newId());
  const session = sessionOfToken(token);

  test('over TLS is bound to this host and to TLS; both kinds are out of scripts’ reach', () => {
    expect(sessionCookie(token, true)).toBe(`__Host-caramelo=${token}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000`);
    expect(sessionCookie(token, false)).toBe(`caramelo=${token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000`);
    expect(clearedCookie(true)).toBe('__Host-caramelo=; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=0');
    expect(clearedCookie(false)).toBe('caramelo=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0');
  });

  test('is found among others', () => {
    expect(sessionOf(`a=b; caramelo=${token};c`, false)).toEqual(session);
    expect(sessionOf(`x__Host-caramelo=${planted}; __Host-caramelo=${token}`, true)).toEqual(session);
  });

  test('a planted plain one neither hides the real one nor counts over TLS', () => {
    for (const secure of [true, false]) expect(sessionOf(`caramelo=${planted}; __Host-caramelo=${token}`, secure)).toEqual(session);
    expect(sessionOf(`caramelo=${planted}`, true)).toBeUndefined();
    expect(sessionOf(`caramelo=${planted}`, false)).toEqual(sessionOfToken(planted));
  });

  test.each([
    undefined,
    '',
    'caramelo',
    'caramelo=',
    'caramelo=short',
    `caramelo=${newSecret()}`,
    `CARAMELO=${newSessionToken(newId())}`,
    `caramelo="${newSessionToken(newId())}"`,
    `${'a=b; '.repeat(5000)}caramelo=${newSessionToken(newId())}`,
  ])('nothing sound in %j', (header) => {
    expect(sessionOf(header, false)).toBeUndefined();
  });
});
