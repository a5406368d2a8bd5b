import parsePhoneNumber from 'libphonenumber-js/min';

const MAX_INPUT = 40;

const DDDS: ReadonlySet<string> = new Set(
  (
    '11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 53 54 55 ' +
    '61 62 63 64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99'
  ).split(' '),
);

// Country-wide service lines (companies, banks): people may write an area code before them, but nobody lives there.
const SERVICE_LINE = /^(?:300[34]|400[34])/;

const FULL_WIDTH = /[\uFF01-\uFF5E]/g;
const ARABIC_DIGIT = /[\u0660-\u0669\u06F0-\u06F9]/g;
const SCHEME = /^\s*(?:tel|whatsapp):/i;
const DECORATION = /[\s\p{Z}\p{Pd}\u2212\u2043\u02D7()[\]{}<>.,:;/\\'"_~*\u00B7]/gu;
// "0xx11": how Brazil prints "the carrier code of your choice goes here".
const CARRIER_PLACEHOLDER = /^(\+?(?:00)?(?:55)?0)xx(?=\d)/i;
// [trunk 0 [carrier code]] area code, then nine mobile digits or eight old ones; every length has one reading only.
const NATIONAL = /^(?:0(?:[1-9]\d)?)?([1-9]\d)(9\d{8}|[2-9]\d{7})$/;
const E164 = /^\+[1-9]\d{6,14}$/;
const BRAZILIAN = /^\+55([1-9]\d)(\d{4,5})(\d{4})$/;
// Only 9 + [6-9] had an eight-digit past; without its 9, any other mobile would be somebody's landline.
const ONCE_EIGHT_DIGITS = /^(\+55[1-9]\d)9([6-9]\d{7})$/;

function compact(input: string): string {
  return input
    .replace(/\p{Cf}/gu, '')
    .replace(FULL_WIDTH, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(ARABIC_DIGIT, (c) => String(c.charCodeAt(0) & 0xf))
    .replace(SCHEME, '')
    .replace(DECORATION, '')
    .replace(CARRIER_PLACEHOLDER, '$1');
}

function parseNational(digits: string): string | undefined {
  const [, ddd = '', subscriber = ''] = NATIONAL.exec(digits) ?? [];
  if (!DDDS.has(ddd)) return undefined;
  if (subscriber.length === 9) return `+55${ddd}${subscriber}`;
  if (subscriber >= '6') return `+55${ddd}9${subscriber}`;
  return SERVICE_LINE.test(subscriber) ? undefined : `+55${ddd}${subscriber}`;
}

function parseForeign(digits: string): string | undefined {
  const found = parsePhoneNumber(`+${digits}`);
  if (!found?.isValid() || !E164.test(found.number)) return undefined;
  // The library drops a trunk digit typed after the country code; what it would then read as yet another number is none.
  const again = parsePhoneNumber(found.number);
  return again?.isValid() && again.number === found.number ? found.number : undefined;
}

/**
 * Reads a phone number as people write it and returns it in E.164 (`+5511987654321`), or `undefined` when it cannot be
 * a person's phone. Brazilian numbers need their area code; old eight-digit mobiles get the ninth digit. Numbers of
 * other countries need `+` or `00`. Letters, service lines (0800, 4004 …) and inputs above 40 characters are refused.
 * Never throws; reading its own result again changes nothing.
 */
export function parsePhone(input: string): string | undefined {
  if (input.length > MAX_INPUT) return undefined;
  const [, prefix, digits = ''] = /^(\+|00)?(\d+)$/.exec(compact(input)) ?? [];
  const withoutCountry = digits.startsWith('55') ? digits.slice(2) : undefined;
  if (prefix !== undefined) return withoutCountry === undefined ? parseForeign(digits) : parseNational(withoutCountry);
  // 55 is also an area code (Santa Maria); the length tells which one is meant, so trying both is safe.
  return parseNational(digits) ?? (withoutCountry === undefined ? undefined : parseNational(withoutCountry));
}

/**
 * The spellings under which one E.164 number (as `parsePhone` returns it) may be known elsewhere: itself first, then,
 * for a Brazilian mobile that had one, the form without the ninth digit. Each of them parses to the number given.
 */
export function phoneVariants(e164: string): string[] {
  const old = ONCE_EIGHT_DIGITS.exec(e164);
  return old ? [e164, `${old[1]}${old[2]}`] : [e164];
}

/** For people: `(11) 98765-4321`, other countries as `+1 415 555 2671`; what is not E.164 comes back as it is. */
export function formatPhone(e164: string): string {
  const brazilian = BRAZILIAN.exec(e164);
  if (brazilian) return `(${brazilian[1]}) ${brazilian[2]}-${brazilian[3]}`;
  return parsePhoneNumber(e164)?.formatInternational() ?? e164;
}

/** For logs: country, Brazilian area code and the last two digits stay (`+5511*******21`); what is not E.164 is `***`. */
export function maskPhone(e164: string): string {
  if (!E164.test(e164)) return '***';
  const country = parsePhoneNumber(e164)?.countryCallingCode ?? '';
  const shown = 1 + (BRAZILIAN.test(e164) ? 4 : country.length);
  return e164.slice(0, shown) + '*'.repeat(e164.length - shown - 2) + e164.slice(-2);
}
