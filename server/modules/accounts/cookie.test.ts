import { describe, expect, test } from 'vitest';
import { newSecret } from '#platform/ids';
import { clearedCookie, sessionCookie, tokenOf } from './cookie.ts';

describe('the session cookie', () => {
  const token = newSecret();
  const planted = newSecret();

  test('over TLS is bound to this host and to TLS; both kinds are out of scripts’ reach', () => {
    expect(sessionCookie(token, true)).toBe(`__Host-caramelo=${token}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000`);
    expect(sessionCookie(token, false)).toBe(`caramelo=${token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000`);
    expect(clearedCookie(true)).toBe('__Host-caramelo=; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=0');
    expect(clearedCookie(false)).toBe('caramelo=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0');
  });

  test('is found among others', () => {
    expect(tokenOf(`a=b; caramelo=${token};c`)).toBe(token);
    expect(tokenOf(`x__Host-caramelo=${planted}; __Host-caramelo=${token}`, true)).toBe(token);
  });

  test('a planted plain one neither hides the real one nor counts over TLS', () => {
    expect(tokenOf(`caramelo=${planted}; __Host-caramelo=${token}`)).toBe(token);
    expect(tokenOf(`caramelo=${planted}`, true)).toBeUndefined();
    expect(tokenOf(`caramelo=${planted}`, false)).toBe(planted);
  });

  test.each([
    undefined,
    '',
    'caramelo',
    'caramelo=',
    'caramelo=short',
    `caramelo=${'x'.repeat(44)}`,
    `caramelo=${'é'.repeat(43)}`,
    `CARAMELO=${'x'.repeat(43)}`,
    `caramelo="${'x'.repeat(43)}"`,
    `${'a=b; '.repeat(5000)}caramelo=${'x'.repeat(43)}`,
  ])('nothing sound in %j', (header) => {
    expect(tokenOf(header)).toBeUndefined();
  });
});
