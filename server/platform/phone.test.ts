import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPhone, maskPhone, parsePhone, phoneVariants } from './phone.ts';

const MOBILE = '+5511987654321';
const LANDLINE = '+551133334444';

const DDDS =
  '11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 53 54 55 61 62 63 64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99'.split(
    ' ',
  );

const SPELLINGS: [input: string, e164: string | undefined][] = [
  // country code, or none
  ['+5511987654321', MOBILE],
  ['5511987654321', MOBILE],
  ['005511987654321', MOBILE],
  ['11987654321', MOBILE],
  ['+55 11 98765-4321', MOBILE],
  ['55 11 98765-4321', MOBILE],
  ['0055 11 98765-4321', MOBILE],
  ['+55 (11) 98765-4321', MOBILE],
  ['(+55) (11) 98765-4321', MOBILE],
  ['(11) 98765-4321', MOBILE],
  ['(11)98765-4321', MOBILE],
  ['(11) 9 8765-4321', MOBILE],
  ['11 9 8765 4321', MOBILE],
  // trunk zero and carrier codes
  ['011 98765-4321', MOBILE],
  ['(011) 98765-4321', MOBILE],
  ['0 11 98765-4321', MOBILE],
  ['+55 0 11 98765-4321', MOBILE],
  ['+55 (0) 11 98765-4321', MOBILE],
  ['+55 (011) 98765-4321', MOBILE],
  ['55011987654321', MOBILE],
  ['0 15 11 98765-4321', MOBILE],
  ['015 11 98765-4321', MOBILE],
  ['0(15)11 98765-4321', MOBILE],
  ['041 11 98765-4321', MOBILE],
  ['02111987654321', MOBILE],
  ['+55 0 15 11 98765-4321', MOBILE],
  ['0055 0 31 11 98765-4321', MOBILE],
  ['055 11 98765-4321', MOBILE],
  ['0xx11 98765-4321', MOBILE],
  ['(0XX11) 98765-4321', MOBILE],
  ['+55 (0xx11) 98765-4321', MOBILE],
  ['0**11 98765-4321', MOBILE],
  // the ninth digit
  ['11 8765-4321', MOBILE],
  ['(11) 8765-4321', MOBILE],
  ['+55 11 8765-4321', MOBILE],
  ['551187654321', MOBILE],
  ['0 15 11 8765-4321', MOBILE],
  ['11 6765-4321', '+5511967654321'],
  ['11 7765-4321', '+5511977654321'],
  ['11 9765-4321', '+5511997654321'],
  ['11 91234-5678', '+5511912345678'],
  ['11 89876-5432', undefined],
  // landlines
  ['(11) 3333-4444', LANDLINE],
  ['1133334444', LANDLINE],
  ['011 3333-4444', LANDLINE],
  ['551133334444', LANDLINE],
  ['5501133334444', LANDLINE],
  ['014 11 3333-4444', LANDLINE],
  ['(11) 4002-8922', '+551140028922'],
  ['(21) 2555-1234', '+552125551234'],
  ['(85) 5555-1234', '+558555551234'],
  ['(11) 1333-4444', undefined],
  ['(11) 0333-4444', undefined],
  // 55 is an area code too
  ['55 99999-8888', '+5555999998888'],
  ['55 9999-8888', '+5555999998888'],
  ['55 3221-1234', '+555532211234'],
  ['+55 55 99999-8888', '+5555999998888'],
  ['555532211234', '+555532211234'],
  ['0 55 3221-1234', '+555532211234'],
  // decoration
  ['11.98765.4321', MOBILE],
  ['11/98765-4321', MOBILE],
  ['11 98765 4321', MOBILE],
  ['  11  98765--4321  ', MOBILE],
  ['[11] 98765-4321', MOBILE],
  ['11\t98765-4321\n', MOBILE],
  ['*(11) 98765-4321*', MOBILE],
  ["'11987654321", MOBILE],
  ['11\u00A098765\u20114321', MOBILE],
  ['11 98765\u20134321', MOBILE],
  ['11 98765\u20144321', MOBILE],
  ['11 98765\u22124321', MOBILE],
  ['11\u300098765\uFF0D4321', MOBILE],
  ['\u202A+55 11 98765-4321\u202C', MOBILE],
  ['\uFEFF11\u200B98765\u200D4321', MOBILE],
  ['＋５５（１１）９８７６５－４３２１', MOBILE],
  ['١١ ٩٨٧٦٥ ٤٣٢١', MOBILE],
  ['۱۱ ۹۸۷۶۵ ۴۳۲۱', MOBILE],
  ['tel:+55-11-98765-4321', MOBILE],
  ['TEL: (11) 98765-4321', MOBILE],
  ['tel://11987654321', MOBILE],
  ['whatsapp:+5511987654321', MOBILE],
  [' WhatsApp: 11 98765-4321', MOBILE],
  // other countries
  ['+1 415 555 2671', '+14155552671'],
  ['001 (415) 555-2671', '+14155552671'],
  ['+351 912 345 678', '+351912345678'],
  ['00351912345678', '+351912345678'],
  ['+44 (0) 20 7946 0958', '+442079460958'],
  ['+54 9 11 2345-6789', '+5491123456789'],
  ['+595 981 123456', '+595981123456'],
  ['+39 06 1234 5678', '+390612345678'],
  ['14155552671', undefined],
  ['351912345678', undefined],
  ['+12', undefined],
  ['+999 123 456 789', undefined],
  ['+49 28511357831961', undefined],
  // no person's phone
  ['', undefined],
  [' ', undefined],
  ['+', undefined],
  ['98765-4321', undefined],
  ['3333-4444', undefined],
  ['190', undefined],
  ['0800 727 2999', undefined],
  ['+55 800 727 2999', undefined],
  ['0300 123 4567', undefined],
  ['0900 123 4567', undefined],
  ['4004-1234', undefined],
  ['(11) 4004-1234', undefined],
  ['+55 11 3003-1234', undefined],
  ['(20) 98765-4321', undefined],
  ['(10) 98765-4321', undefined],
  ['+55 23 98765-4321', undefined],
  ['00 11 98765-4321', undefined],
  ['11 98765-43', undefined],
  ['11 98765-43210', undefined],
  ['+55 11 98765-43210', undefined],
  ['11 98765-4321 / 11 98765-4322', undefined],
  ['55+11987654321', undefined],
  ['++5511987654321', undefined],
  // letters, signs, addresses of channels
  ['11 98765-432l', undefined],
  ['11 9876O-4321', undefined],
  ['xx11 98765-4321', undefined],
  ['tel11987654321', undefined],
  ['11 3333-4444 ramal 12', undefined],
  ['5511987654321@example.net', undefined],
  ['5511987654321@', undefined],
  ['5.511987654321E12', undefined],
  ['*144#11987654321', undefined],
  ['11\u000098765-4321', undefined],
  ['11 98765-4321 📞', undefined],
  ['\uD80011987654321', undefined],
];

const subscriber = fc.oneof(
  fc.integer({ min: 900_000_000, max: 999_999_999 }).map(String),
  fc
    .integer({ min: 20_000_000, max: 59_999_999 })
    .filter((n) => !/^(?:300[34]|400[34])/.test(String(n)))
    .map(String),
);
const brazilian = fc.tuple(fc.constantFrom(...DDDS), subscriber).map(([ddd, number]) => ({ ddd, number }));
const separator = fc.constantFrom('', '', '', ' ', '-', '.', '/', '\u2013', '\u200B', '\u00A0', '(', ')');
const digitScript = fc.constantFrom(0x30, 0x660, 0x6f0, 0xff10);

const decorated = fc
  .record({
    phone: brazilian,
    scheme: fc.constantFrom('', 'tel:', 'whatsapp:', 'TEL: '),
    country: fc.constantFrom('', '+55', '0055', '55', '+55 '),
    trunk: fc.constantFrom('', '0', '015', '0 21 ', '041'),
    separators: fc.array(separator, { minLength: 11, maxLength: 11 }),
    script: digitScript,
  })
  .map(({ phone: { ddd, number }, scheme, country, trunk, separators, script }) => {
    const digits = [...(ddd + number)].map((d, i) => d + (separators[i] ?? '')).join('');
    const text = country + trunk + digits;
    const e164 = `+55${ddd}${number}`;
    return { e164, text: scheme + text.replace(/\d/g, (d) => String.fromCodePoint(script + Number(d))) };
  })
  .filter(({ text }) => text.length <= 40);

describe('parsePhone', () => {
  it.each(SPELLINGS)('reads %j as %j', (input, e164) => {
    expect(parsePhone(input)).toBe(e164);
  });

  it('knows the 67 area codes and no other', () => {
    const all = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));
    const known = all.filter((ddd) => parsePhone(`+55${ddd}33334444`) !== undefined);
    expect(known).toEqual(DDDS);
    expect(known).toHaveLength(67);
  });

  it('refuses what is longer than 40 characters, whatever it holds', () => {
    expect(parsePhone('11987654321'.padEnd(40, ' '))).toBe(MOBILE);
    expect(parsePhone('11987654321'.padEnd(41, ' '))).toBeUndefined();
    expect(parsePhone('0'.repeat(1_000_000))).toBeUndefined();
  });

  it('reads any decoration of a valid number as the same number', () => {
    fc.assert(
      fc.property(decorated, ({ text, e164 }) => {
        expect(parsePhone(text)).toBe(e164);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws, answers E.164 or nothing, and reads its own answer unchanged', () => {
    const phoneLike = fc.string({ unit: fc.constantFrom(...'0123456789+-() .x٣５'), maxLength: 24 });
    fc.assert(
      fc.property(fc.oneof(phoneLike, fc.string({ unit: 'binary', maxLength: 45 })), (input) => {
        const e164 = parsePhone(input);
        if (e164 === undefined) return;
        expect(e164).toMatch(/^\+[1-9]\d{6,14}$/);
        expect(parsePhone(e164)).toBe(e164);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps foreign numbers stable and never turns one into a Brazilian number', () => {
    const foreign = fc.tuple(fc.constantFrom('1', '351', '54', '595', '44', '49', '375', '39', '81'), fc.stringMatching(/^\d{5,12}$/));
    fc.assert(
      fc.property(foreign, ([country, rest]) => {
        const e164 = parsePhone(`+${country}${rest}`);
        if (e164 === undefined) return;
        expect(e164.startsWith(`+${country}`)).toBe(true);
        expect(parsePhone(e164)).toBe(e164);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives nothing for a number that it would read as another one the second time', () => {
    expect(parsePhone('+375 08109181715')).toBeUndefined();
  });
});

describe('phoneVariants', () => {
  it.each([
    [MOBILE, [MOBILE, '+551187654321']],
    ['+5585997654321', ['+5585997654321', '+558597654321']],
    // never had eight digits; without the 9 it would be the landline 1234-5678 or 3234-5678
    ['+5511912345678', ['+5511912345678']],
    ['+5511932345678', ['+5511932345678']],
    [LANDLINE, [LANDLINE]],
    ['+14155552671', ['+14155552671']],
    ['+5491123456789', ['+5491123456789']],
  ])('of %s are %j', (e164, variants) => {
    expect(phoneVariants(e164)).toEqual(variants);
  });

  it('all parse to the number they came from', () => {
    fc.assert(
      fc.property(brazilian, ({ ddd, number }) => {
        const e164 = `+55${ddd}${number}`;
        const variants = phoneVariants(e164);
        expect(variants[0]).toBe(e164);
        for (const variant of variants) expect(parsePhone(variant)).toBe(e164);
      }),
    );
  });
});

describe('formatPhone', () => {
  it.each([
    [MOBILE, '(11) 98765-4321'],
    [LANDLINE, '(11) 3333-4444'],
    ['+551187654321', '(11) 8765-4321'],
    ['+14155552671', '+1 415 555 2671'],
    ['+351912345678', '+351 912 345 678'],
    ['', ''],
    ['someone', 'someone'],
  ])('writes %j as %j', (e164, text) => {
    expect(formatPhone(e164)).toBe(text);
  });

  it('writes Brazilian numbers so that they can be read back', () => {
    fc.assert(
      fc.property(brazilian, ({ ddd, number }) => {
        expect(parsePhone(formatPhone(`+55${ddd}${number}`))).toBe(`+55${ddd}${number}`);
      }),
    );
  });
});

describe('maskPhone', () => {
  it.each([
    [MOBILE, '+5511*******21'],
    [LANDLINE, '+5511******44'],
    ['+14155552671', '+1********71'],
    ['+351912345678', '+351*******78'],
    ['11987654321', '***'],
    ['someone', '***'],
    ['', '***'],
  ])('of %j is %j', (e164, mask) => {
    expect(maskPhone(e164)).toBe(mask);
  });

  it('shows nothing of a subscriber but the last two digits', () => {
    fc.assert(
      fc.property(brazilian, ({ ddd, number }) => {
        const mask = maskPhone(`+55${ddd}${number}`);
        expect(mask).toBe(`+55${ddd}${'*'.repeat(number.length - 2)}${number.slice(-2)}`);
      }),
    );
  });
});
