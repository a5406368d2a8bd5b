import { describe, expect, test } from 'vitest';
import { guessAllowances, networkOf } from './attempts.ts';

describe('networks that guess passwords', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('%s counts as %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });

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
