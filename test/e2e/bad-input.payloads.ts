/** What people, scanners and broken clients send. */
export const SQL_WORDS: readonly string[] = [
  "'", "''", '"', '`', '\\', "\\'", ';', '--', '/*', '*/', '#', "' --", "';--", "' or '1'='1", "' or 1=1 --", "' or 1=1#", "') or ('1'='1", "')) or (('1'='1", "' or ''='", 'or 1=1', '1 or 1=1',
  "'; drop table tutors; --", '"; drop table pets; --', "1; delete from user_profiles", "'; update tutors set name = 'x'; --", "' union select null --", "' union select id, email from console_users --",
  "' union all select 1,2,3,4,5,6,7,8,9 --", "1' order by 100 --", "' and 1=0 union select key_digest from api_keys --", "' and sleep(5) --", "'; select pg_sleep(5); --", "' || pg_sleep(5) || '", "1 and (select 1 from pg_sleep(5))",
  "' and 1=cast((select version()) as int) --", "' and extractvalue(1, concat(0x7e, version())) --", "' and randomblob(1000000000/2) --", "'; attach database 'x.db' as x; --", "' and 1=load_extension('x') --",
  "$1", '$1; select 1', '?', '??', ':id', '@id', '${7*7}', '{{7*7}}', '%', '%%', '_', '\\%', "%' --", '%27%20or%201=1', "0x27", 'null', 'NULL', 'undefined', 'true', 'NaN', '[object Object]',
  "admin'--", "E'\\\\x27'", "$$;select 1;$$", "U&'\\0027'", "select * from tutors", "1e1", '{"$gt":""}', '{"$ne":null}', "'||(select '')||'", "' is null --", "' limit 1 offset 1 --", "' returning * --", "' for update --",
];

/** Text that must come back cleaned, or be refused: never stored as it is. */
export const UNSEEN_TEXT: readonly string[] = [
  'a\u0000b', '\u0000', 'a\u0001b', 'a\u001bb', 'a\u007fb', 'a\u0085b', 'a\u200bb', 'a\u200cb', 'a\u200db', 'a\u200eb', 'a\u200fb', 'a\u2060b', '\ufeffab', 'a\u202eb\u202c', 'a\u2066b\u2069', 'a\u202ab', 'a\u00adb', 'a\u034fb', 'a\u115fb',
  'a\u3164b', 'a\ud800b', 'a\udc00b', '\ud800', 'a\ufffdb', 'a\ufff9b\ufffab', 'a\u{e0041}b', 'a\u2028b', 'a\u2029b', 'a\r\nb', 'a\tb', `a${'\u0301'.repeat(5_000)}`, 'Z\u0351\u0352\u0357\u0358'.repeat(50),
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}', '\u{1f1e7}\u{1f1f7}'.repeat(30), '\ufdfa'.repeat(30), 'ﷺ', 'İ', 'ß'.repeat(100), '𝓣𝓱𝓸𝓻', 'Тhor', '\u00a0\u2003\u3000', '   ', '',
];

export const IMPOSSIBLE_DAYS: readonly string[] = [
  '2027-02-30', '2027-02-29', '2027-13-01', '2027-00-10', '2027-01-00', '2027-01-32', '0000-01-01', '0001-01-01', '1899-12-31', '2100-01-01', '9999-12-31', '10000-01-01', '-2027-01-01', '+002027-01-01', '2027-1-1', '27-01-01', '01/02/2027', '2027/01/01',
  '20270101', '2027-01', '2027', '2027-W01-1', '2027-001', 'amanhã', 'today', 'now()', 'infinity', '-infinity', 'epoch', '2027-01-01T00:00:00Z', ' 2027-01-01', '2027-01-01 ', '２０２７-０１-０１', '', 'null',
];

export const IMPOSSIBLE_INSTANTS: readonly string[] = [
  '2027-02-30T10:00:00-03:00', '2027-02-03T24:61:00-03:00', '2027-02-03T25:00:00Z', '2027-02-03T10:60:00Z', '2027-02-03T10:00:61Z', '2027-02-03T10:00:00', '2027-02-03T10:00:00+25:00', '2027-02-03T10:00:00-99:99', '2027-02-03', '10:00', '2027-02-03 10:00:00Z',
  '0000-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '1999-12-31T23:59:59Z', '2100-01-01T00:00:00Z', '9999-12-31T23:59:59-14:00', '+275760-09-13T00:00:00Z', '-000001-01-01T00:00:00Z', '2027-02-03T10:00:00.Z', '2027-02-03T10:00:00 BRT', '1801569600', '1801569600000', 'now', 'infinity', 'amanhã às 10', '',
];

/** Raw JSON numbers that no integer or amount may take. */
export const IMPOSSIBLE_NUMBERS: readonly string[] = ['1e999', '-1e999', '9007199254740993', '1e308', '-1e308', '2147483648', '-2147483649', '9223372036854775808', '1.0000001', '0.30000000000000004', '-1', '-0.5', '1e-7', '5e-324'];

export const WRONG_TYPES: readonly string[] = ['null', 'true', 'false', '0', '-1', '1.5', '1e999', '"x"', '""', '[]', '[[]]', '["x"]', '[null]', '{}', '{"$gt":""}', '{"$ne":null}', '{"toString":1}', '{"__proto__":{"x":1}}', '{"length":3}', '{"then":1}', '[[[[[[[[]]]]]]]]'];

export const BAD_LIMITS: readonly string[] = ['0', '101', '-1', 'abc', '1.5', '', 'NaN', 'Infinity', '1e9', '٢٥', 'null', '[]', '25;', '1,2', '0x1000', '25&limit=30', '99999999999999999999'];

const cursor = (value: unknown) => encodeURIComponent(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url'));
const ID = '0190a000-0000-7000-8000-000000000001';

/** Cursors that no list gave out, by the length of their key. */
export const FORGED_CURSORS: readonly string[] = [
  '', 'x', '%00', '%ff%fe', 'null', cursor('{'), cursor('null'), cursor('[]'), cursor('"x"'), cursor('1'), cursor({}), cursor([1]), cursor([null]), cursor([ID, ID]), cursor([{}]), cursor([[ID]]), cursor([`${ID}'`]), cursor(["' or 1=1 --"]),
  cursor(['\u0000']), cursor(['2027-01-01T00:00:00.000Z']), cursor(['0000-00-00T00:00:00.000Z', ID]), cursor(['0000-01-01T00:00:00.000Z', ID]), cursor(['9999-12-31T23:59:59.999Z', "'"]), cursor(['2027-13-01T00:00:00.000Z', ID]), cursor(['2027-02-30T00:00:00.000Z', ID]),
  cursor(['2027-02-01T24:00:00.000Z', ID]), cursor(['infinity', ID]), cursor([ID.toUpperCase()]), cursor([ID, ID, ID]), cursor(['x'.repeat(300)]), 'A'.repeat(501), cursor(`[${'['.repeat(200)}`),
];

/** The same mobile and the same landline in Brazil's many hands. */
export const MOBILE = '+5511987654321';
export const MOBILE_SPELLINGS: readonly string[] = [
  '+5511987654321', '5511987654321', '11987654321', '011987654321', '1187654321', '01187654321', '+551187654321', '551187654321', '+55 11 98765-4321', '+55 (11) 98765-4321', '+55 (11) 9 8765-4321', '(11) 98765-4321', '(11) 9 8765 4321', '11 98765 4321', '11 98765-4321', '11-98765-4321', '11.98765.4321',
  '011 98765-4321', '(011) 98765-4321', '0 11 98765-4321', '015 11 98765-4321', '01511987654321', '0 15 11 98765-4321', '02111987654321', '031 11 98765 4321', '041 (11) 98765-4321', '+55 011 98765-4321', '+55 0 11 98765-4321', '55 11 98765 4321', '0055 11 98765-4321', '005511987654321', '+55-11-98765-4321', '+55.11.98765.4321',
  '55 (11) 98765-4321', '(11)98765-4321', '(11)987654321', '11 9.8765.4321', ' 11 98765-4321 ', '11\u00a098765\u20114321', '\u200e+55 11 98765-4321', '１１９８７６５４３２１', 'tel:+5511987654321', '+55 11 8765-4321', '(11) 8765-4321',
];
export const NOT_PHONES: readonly string[] = ['', 'x', '0', '123', '98765-4321', '87654321', '00000000000', '11111111111', '+5500987654321', '+55119876543210000', '+1', '+', '190', '(11)', '11 0000-0000', '9'.repeat(64), "11987654321' or 1=1", '11987654321; drop table tutors', '\u0000', '+55 20 98765-4321'];
