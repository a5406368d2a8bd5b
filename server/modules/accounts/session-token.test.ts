import { describe, expect, test } from 'vitest';
import { newId, newSecret } from '#platform/ids';
import { newSessionToken, sessionOfToken } from './session-token.ts';

describe('a session’s token', () => {
  const userId = newId();
  const token = newSessionToken(userId);

  test('says whose it is, and is another with each session', () => {
    expect(token).toMatch(new RegExp(`^${userId}\\.[\\w-]{43}$`));
    expect(sessionOfToken(token)).toEqual({ id: expect.stringMatching(/^[0-9a-f]{64}$/), userId });
    expect(newSessionToken(userId)).not.toBe(token);
  });

  test('is another session under another user’s name', () => {
    const other = newId();
    const forged = sessionOfToken(token.replace(userId, other))!;
    expect(forged.userId).toBe(other);
    expect(forged.id).not.toBe(sessionOfToken(token)!.id);
  });

  test.each([
    '',
    '.',
    newSecret(),
    `${userId}.`,
    `.${newSecret()}`,
    `${userId}${newSecret()}`,
    `${token}x`,
    ` ${token}`,
    `${token}\n`,
    `*.${newSecret()}`,
    token.toUpperCase(),
    `${userId}:x.${newSecret()}`,
  ])('%j is none', (text) => {
    expect(sessionOfToken(text)).toBeUndefined();
  });
});
