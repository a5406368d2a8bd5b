import { describe, expect, test } from 'vitest';
import { guessAllowances } from './attempts.ts';

describe('networks that guess passwords', () => {
  test('what is stored names neither address nor e-mail', () => {
    const stored = JSON.stringify(guessAllowances({ network: '203.0.113.7', email: 'dona@clinica.test', knownNetwork: false }));
    expect(stored).not.toContain('203.0');
    expect(stored).not.toContain('dona');
  });

  test('guesses made elsewhere do not count for a network the account is used from', () => {
    const guess = { network: '203.0.113.7', email: 'dona@clinica.test' };
    const stranger = guessAllowances({ ...guess, knownNetwork: false });
    expect(guessAllowances({ ...guess, knownNetwork: true })).toEqual(stranger.slice(0, 2));
    expect(guessAllowances({ ...guess, network: '198.51.100.1', knownNetwork: false })[2]).toEqual(stranger[2]);
  });
});
