import { describe, expect, test } from 'vitest';
import { createPasswords } from './passwords.ts';

describe('passwords', () => {
  const passwords = createPasswords();

  test('are kept as argon2id with 19 MiB, two passes and a salt of their own', async () => {
    const [one, other] = await Promise.all([passwords.hash('correta cavalo'), passwords.hash('correta cavalo')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(other).not.toBe(one);
    expect(one).not.toContain('correta');
  });

  test('a reference hash made elsewhere verifies, whatever its cost', async () => {
    const made = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await passwords.verify('password', made)).toBe(true);
    expect(await passwords.verify('Password', made)).toBe(false);
  });

  test('the right one is told from wrong ones, nobody’s and damaged ones', async () => {
    const stored = await passwords.hash('senha-da-dona-123');
    expect(await passwords.verify('senha-da-dona-123', stored)).toBe(true);
    expect(await passwords.verify('senha-da-dona-12', stored)).toBe(false);
    expect(await passwords.verify('senha-da-dona-123', undefined)).toBe(false);
    expect(await passwords.verify('', 'not a hash')).toBe(false);
    expect(await passwords.verify('x', stored.slice(0, -4))).toBe(false);
  });

  test('accents typed as one or as two characters are the same', async () => {
    const stored = await passwords.hash('ração-à-vontade'.normalize('NFD'));
    expect(await passwords.verify('ração-à-vontade'.normalize('NFC'), stored)).toBe(true);
  });

  test('a flood waits in line, and beyond the line is refused at once', async () => {
    const narrow = createPasswords({ concurrency: 1, maxWaiting: 2 });
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => narrow.verify('qualquer', undefined)));
    expect(outcomes.map((one) => one.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(outcomes[4]).toMatchObject({ reason: { code: 'UNAVAILABLE', retryAfter: 2 } });
    expect(await narrow.verify('depois', undefined)).toBe(false);
  });
});
