import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCents, parseCents } from './money.ts';

describe('formatCents', () => {
  it.each([
    [0, 'R$ 0,00'],
    [-0, 'R$ 0,00'],
    [1, 'R$ 0,01'],
    [10, 'R$ 0,10'],
    [99, 'R$ 0,99'],
    [100, 'R$ 1,00'],
    [-100, '-R$ 1,00'],
    [-5, '-R$ 0,05'],
    [6000, 'R$ 60,00'],
    [99_999, 'R$ 999,99'],
    [100_000, 'R$ 1.000,00'],
    [123_456, 'R$ 1.234,56'],
    [123_456_789, 'R$ 1.234.567,89'],
    [Number.MAX_SAFE_INTEGER, 'R$ 90.071.992.547.409,91'],
    [Number.MIN_SAFE_INTEGER, '-R$ 90.071.992.547.409,91'],
  ])('writes %d as %j', (cents, text) => {
    expect(formatCents(cents)).toBe(text);
  });

  it.each([0.5, 1234.56, Number.NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53)])('refuses %d', (cents) => {
    expect(() => formatCents(cents)).toThrow(RangeError);
  });
});

describe('parseCents', () => {
  it.each([
    ['R$ 60', 6000],
    ['r$60', 6000],
    ['R$60,00', 6000],
    ['60', 6000],
    ['60 reais', 6000],
    ['60reais', 6000],
    ['60,00 Reais', 6000],
    ['R$ 60 reais', 6000],
    ['1 real', 100],
    ['60.00', 6000],
    ['60.5', 6050],
    ['59,9', 5990],
    ['59,90', 5990],
    ['0,01', 1],
    ['0', 0],
    ['-0', 0],
    ['007', 700],
    ['1234,56', 123_456],
    ['1234.56', 123_456],
    ['1.234', 123_400],
    ['1.234,5', 123_450],
    ['1.234,56', 123_456],
    ['R$ 1.234.567,89', 123_456_789],
    ['R$\u00A01.234,56', 123_456],
    ['  R$ 60  \n', 6000],
    ['-R$ 1,00', -100],
    ['- R$ 1,00', -100],
    ['R$ -1,00', -100],
    ['\u22121,00', -100],
    ['90.071.992.547.409,91', Number.MAX_SAFE_INTEGER],
    ['90071992547409.91', Number.MAX_SAFE_INTEGER],
  ])('reads %j as %d', (text, cents) => {
    expect(parseCents(text)).toBe(cents);
  });

  it.each([
    '',
    ' ',
    'R$',
    'reais',
    'sessenta reais',
    '60,',
    ',50',
    '60,999',
    '60.00,00',
    '1,234.56',
    '1,234',
    '1.2345',
    '0.123',
    '1.23,45',
    '1.234.56',
    '1234.567',
    '12.34.567',
    '1 234,56',
    '6 0',
    '--1',
    '-R$ -1',
    '+1',
    '1e3',
    '0x10',
    '60 mil',
    '60%',
    'US$ 60',
    '€ 60',
    'NaN',
    'Infinity',
    '٦٠',
    '60\u0000',
    '10 a 20 reais',
    '90.071.992.547.409,92',
    '90071992547410',
    '9'.repeat(40),
    '1'.padStart(41, '0'),
    ' '.repeat(1_000_000),
  ])('finds no amount in %j', (text) => {
    expect(parseCents(text)).toBeUndefined();
  });

  it('reads back whatever formatCents writes', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (cents) => {
        expect(parseCents(formatCents(cents))).toBe(cents);
      }),
    );
  });

  it('reads every plain spelling of the same amount alike, without rounding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 90_071_992_547_408 }), fc.integer({ min: 0, max: 99 }), (reais, rest) => {
        const cents = String(rest).padStart(2, '0');
        const expected = BigInt(reais) * 100n + BigInt(rest);
        for (const text of [`${reais},${cents}`, `${reais}.${cents}`, `R$ ${reais},${cents}`, `${reais},${cents} reais`]) {
          expect(BigInt(parseCents(text) ?? -1)).toBe(expected);
        }
      }),
    );
  });

  it('answers a safe integer or nothing, and never throws', () => {
    const moneyLike = fc.string({ unit: fc.constantFrom(...'0123456789.,-R$ reais'), maxLength: 30 });
    fc.assert(
      fc.property(fc.oneof(moneyLike, fc.string({ unit: 'binary' })), (text) => {
        const cents = parseCents(text);
        expect(cents === undefined || Number.isSafeInteger(cents)).toBe(true);
        if (cents !== undefined) expect(parseCents(formatCents(cents))).toBe(cents);
      }),
      { numRuns: 1000 },
    );
  });
});
