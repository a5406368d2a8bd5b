/** Whatever is sent: a refusal in the envelope or the right normalisation, never a 500, nothing half written. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, modes, startApp, type TestApp, TEST_KEY } from '../support/app.ts';
import {
  BAD_LIMITS,
  FORGED_CURSORS,
  IMPOSSIBLE_DAYS,
  IMPOSSIBLE_INSTANTS,
  IMPOSSIBLE_NUMBERS,
  MOBILE,
  MOBILE_SPELLINGS,
  NOT_PHONES,
  SQL_WORDS,
  UNSEEN_TEXT,
  WRONG_TYPES,
} from './bad-input.payloads.ts';
import { expectEnvelope, expectRefusal } from './expectations.ts';
import { head, sendRaw } from './raw-http.ts';
import { type Field, fieldsOf, type ListedRoute, listRoutes, typeOf, typesOf, withField } from './route-list.ts';
import { contents } from './tables.ts';
import { bodies, makeWorld, pathOf, UNKNOWN_ID, type World } from './world.ts';

const PLACE = '@@here@@';

describe.each(modes)('bad input on $engine + $cache', (mode) => {
  let app: TestApp;
  let world: World;
  let routes: ListedRoute[];
  let writing: (ListedRoute & { body: NonNullable<ListedRoute['body']>; sample: () => Record<string, unknown>; url: string })[];
  let lists: ListedRoute[];

  beforeAll(async () => {
    app = await startApp(mode);
    world = await makeWorld(app);
    routes = await listRoutes(app);
    const samples = bodies(world);
    // Logins are counted by network: their own tests flood them.
    writing = routes
      .filter((route) => route.body && !route.path.startsWith('/api/auth/'))
      .map((route) => ({ ...route, body: route.body!, sample: samples[route.name]!, url: pathOf(route, world) }));
    lists = routes.filter((route) => route.method === 'GET' && route.query.length > 0);
  });
  afterAll(() => app.close());

  /** Runs what must all be refused, and compares the whole database before and after. */
  async function leavingNothing(what: () => Promise<unknown>): Promise<void> {
    const before = await contents(app.db);
    await what();
    expect(await contents(app.db)).toEqual(before);
  }

  /** In small batches: a pool of ten answers them, and a failure names its case. */
  async function each<T>(cases: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
    for (let i = 0; i < cases.length; i += 16) await Promise.all(cases.slice(i, i + 16).map(run));
  }

  /** The body with `field` replaced by raw JSON text. */
  const rawBody = (body: object, at: Field['at'], json: string) => JSON.stringify(withField(body, at, PLACE)).replace(`"${PLACE}"`, () => json);

  test('every writing route has a body that is accepted', async () => {
    expect(writing.filter((route) => !route.sample).map((route) => route.name)).toEqual([]);
    // Merging takes `other` away, so it is not run here.
    for (const route of writing.filter(({ name }) => name !== 'POST /api/customers/{id}/merge')) {
      const { status, text } = await app.call(route.method, route.url, route.sample());
      expect([200, 201], `${route.name}: ${text}`).toContain(status);
    }
  });

  test('bodies that are no JSON, no JSON object, or too much of it', async () => {
    const deep = (open: string, close: string, n = 100_000) => open.repeat(n) + close.repeat(n);
    const json = { 'content-type': 'application/json' };
    const cases: [string, number, string, string | Uint8Array, Record<string, string>][] = [
      ...[
        '{',
        '}',
        '{"name":',
        '{"name":"x"',
        "{'name':'x'}",
        '{name:"x"}',
        '{"name":"x",}',
        '[1,]',
        'undefined',
        'NaN',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":0x10}',
        '{"a":01}',
        '{"a":"\u0000"}',
        '"\\ud800',
        '{"a":"\\x41"}',
        '// x\n{}',
        '{} {}',
        'nul',
        '\u0000',
        '<xml/>',
        'name=x',
      ].map((body) => [`malformed ${body}`, 400, 'INVALID_JSON', body, json] as (typeof cases)[number]),
      ['invalid UTF-8', 400, 'INVALID_JSON', Buffer.from([0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]), json],
      ['overlong UTF-8', 400, 'INVALID_JSON', Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]), json],
      ['UTF-8 surrogate', 400, 'INVALID_JSON', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), json],
      ['UTF-16', 400, 'INVALID_JSON', Buffer.from('\ufeff{"name":"x"}', 'utf16le'), json],
      ['cut in a character', 400, 'INVALID_JSON', Buffer.from([0x22, 0xe2, 0x82, 0x22]), json],
      ...[
        '[]',
        '[{}]',
        '"x"',
        '1',
        'true',
        'null',
        '{}',
        deep('[', ']'),
        deep('{"a":', '}', 40_000).replace(':}', ':1}'),
        `{"a":${deep('[', ']')}}`,
        '{"__proto__":{"admin":true}}',
        '{"constructor":{"prototype":{"x":1}}}',
        '{"nonsense":1}',
        '{"id":"x","version":99,"created_at":"x"}',
        `{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`,
      ].map((body) => [`not acceptable ${body.slice(0, 40)}`, 422, 'VALIDATION_FAILED', body, json] as (typeof cases)[number]),
      ['300 kB', 413, 'PAYLOAD_TOO_LARGE', JSON.stringify({ name: 'x'.repeat(300_000) }), json],
      ['no type', 415, 'UNSUPPORTED_MEDIA_TYPE', '{}', { 'content-type': 'text/plain' }],
      ...[
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'text/json',
        'application/xml',
        'application/json; charset=latin1',
        'application/json; charset=utf-16',
        'application/jsonx',
        'application/json, text/html',
        'application/json; boundary=x',
      ].map((type) => [`type ${type}`, 415, 'UNSUPPORTED_MEDIA_TYPE', '{}', { 'content-type': type }] as (typeof cases)[number]),
      ...['gzip', 'br', 'deflate', 'x', 'gzip, gzip'].map(
        (encoding) => [`encoding ${encoding}`, 415, 'UNSUPPORTED_MEDIA_TYPE', '{}', { ...json, 'content-encoding': encoding }] as (typeof cases)[number],
      ),
    ];
    let turn = 0;
    await leavingNothing(async () => {
      for (const route of writing) {
        // One code path reads all bodies: the whole table for some, every fifth case for the others, each time other ones.
        const mine = ['POST /api/tutors', 'PATCH /api/settings/profile', 'POST /api/appointments'].includes(route.name)
          ? cases
          : cases.filter((_, i) => (i + turn) % 5 === 0);
        turn++;
        await each(mine, async ([name, status, code, body, headers]) => {
          const answer = await app.call(route.method, route.url, body, headers);
          expect({ name, status: answer.status, code: answer.body?.code }, `${route.name} ${answer.text}`).toEqual({ name, status, code });
          expectEnvelope(answer);
        });
      }
    });
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  test('a field of another type is refused by name, wherever it stands', async () => {
    let probes = 0;
    let turn = 0;
    await leavingNothing(async () => {
      for (const route of writing) {
        const body = route.sample();
        const cases = fieldsOf(route.body).flatMap((field) => {
          const allowed = typesOf(field.schema);
          turn++;
          return allowed === undefined
            ? []
            : WRONG_TYPES.filter((json, i) => (field.at.length === 1 || i % 3 === turn % 3) && !allowed.has(typeOf(JSON.parse(json)))).map((json) => ({
                at: field.at,
                json,
              }));
        });
        probes += cases.length;
        await each(cases, async ({ at, json }) => {
          const answer = await app.call(route.method, route.url, rawBody(body, at, json), { 'content-type': 'application/json' });
          expect({ at, json, status: answer.status }, `${route.name} ${answer.text}`).toEqual({ at, json, status: 422 });
          expectRefusal(answer, 422, 'VALIDATION_FAILED');
          expect(
            answer.body.details.fields.some((fault: { field: string }) => fault.field.startsWith(String(at[0]))),
            answer.text,
          ).toBe(true);
        });
      }
    });
    expect(probes).toBeGreaterThan(1_000);
  });

  test('fields a caller may not set are refused, on every body', async () => {
    const columns = [
      'id',
      'version',
      'created_at',
      'updated_at',
      'archived_at',
      'erased_at',
      'search_name',
      'phone_number',
      'user_id',
      'price',
      'total_cents',
      'source',
      'ends_at',
      'hold_expires_at',
      'hold_reason',
      'role_id',
      'is_admin',
      'password_hash',
      'key_digest',
      'origin',
      'prefix',
      'disabled_at',
      'revoked_at',
      'deceased_at',
      'section',
      'value',
      'toString',
      'hasOwnProperty',
      '$where',
    ];
    await leavingNothing(async () => {
      for (const route of writing) {
        const known = new Set(Object.keys(route.body.properties ?? {}));
        await each(
          columns.filter((name) => !known.has(name)),
          async (name) => {
            const answer = await app.call(route.method, route.url, { ...route.sample(), [name]: 'x' });
            expect({ name, status: answer.status }, `${route.name} ${answer.text}`).toEqual({ name, status: 422 });
            expect(answer.body.details.fields.map((fault: { field: string }) => fault.field)).toContain(name);
          },
        );
      }
    });
  });

  test('impossible days, moments and numbers', async () => {
    await leavingNothing(async () => {
      for (const route of writing) {
        const body = route.sample();
        const cases = fieldsOf(route.body).flatMap(({ at, schema }) => {
          const shapes = [schema, ...(schema.anyOf ?? [])];
          const texts = shapes.some((one) => one.format === 'date')
            ? IMPOSSIBLE_DAYS
            : shapes.some((one) => one.format === 'date-time')
              ? IMPOSSIBLE_INSTANTS
              : [];
          const types = typesOf(schema);
          const numbers = types?.has('integer') && at.at(-1) !== 'min_weight_kg' && at.at(-1) !== 'max_weight_kg' ? IMPOSSIBLE_NUMBERS : [];
          return [...texts.map((one) => ({ at, json: JSON.stringify(one) })), ...numbers.map((json) => ({ at, json }))];
        });
        await each(cases, async ({ at, json }) => {
          const answer = await app.call(route.method, route.url, rawBody(body, at, json), { 'content-type': 'application/json' });
          expect({ at, json, status: answer.status }, `${route.name} ${answer.text}`).toEqual({ at, json, status: 422 });
          expectEnvelope(answer);
        });
      }
    });
  });

  test('odd weights are refused or kept as what the database can hold', async () => {
    for (const json of [...IMPOSSIBLE_NUMBERS, '-0', '0.1', '1e-320']) {
      for (const field of ['min_weight_kg', 'max_weight_kg']) {
        const answer = await app.call('POST', '/api/products', `{"name":"Peso","price_cents":1,"${field}":${json}}`);
        if (answer.status !== 201) expectRefusal(answer, 422, 'VALIDATION_FAILED');
        else expect(answer.body.data[field], json).toBe(Number(json) === 0 ? 0 : Number(json));
      }
    }
    expect((await app.call('POST', '/api/products', '{"name":"Zero","price_cents":-0}')).body.data.price_cents).toBe(0);
  });

  test('words of SQL, unseen text and other types in every query find nothing and change nothing', async () => {
    expect(lists.length).toBeGreaterThan(10);
    await leavingNothing(async () => {
      for (const list of lists) {
        const required = list.path.endsWith('/availability') ? `service_id=${world.service.id}&from=2027-02-02&to=2027-02-03` : '';
        const cases = list.query.flatMap(({ name }) => [...SQL_WORDS, ...UNSEEN_TEXT].map((text) => ({ name, text })));
        await each(cases, async ({ name, text }) => {
          const rest = new URLSearchParams(required);
          rest.delete(name);
          const answer = await app.call('GET', `${pathOf(list, world)}?${rest.toString()}&${name}=${encodeURIComponent(text.toWellFormed())}`);
          if (answer.status !== 200) return expect4xx(answer, `${list.name} ${name} ${text.slice(0, 40)}`);
          if (name === 'q' && /['"$;]/.test(text)) expect(answer.body.data, `${list.name} ${text}`).toEqual([]);
        });
        await each(
          ['?nonsense=1', '?__proto__=1', '?constructor[prototype]=1', '?limit[]=1', '?limit[a]=1', '?%00=1', '?%ff=1', '?=&&&=', `?${'a=1&'.repeat(2_000)}`],
          async (query) => {
            const answer = await app.call('GET', pathOf(list, world) + query);
            if (answer.status !== 200) expect4xx(answer, `${list.name} ${query.slice(0, 30)}`);
          },
        );
      }
    });
  });

  /** For a PATCH: the fields that take any text (sent all at once, since a write is dear), and those that take only some. */
  async function textFields(route: (typeof writing)[number]): Promise<{ free: Field[]; strict: Field[] }> {
    const fields = fieldsOf(route.body).filter(({ schema }) => typesOf(schema)?.has('string'));
    const free: Field[] = [];
    const strict: Field[] = [];
    for (const field of fields)
      ((await app.call(route.method, route.url, withField(route.sample(), field.at, 'um texto'))).status === 200 ? free : strict).push(field);
    return { free, strict };
  }

  /** Sends every text in every text field of every PATCH; answers what was accepted. */
  async function sendEverywhere(texts: readonly string[], accepted: (answer: Answer, what: string) => void): Promise<void> {
    for (const route of writing.filter(({ method }) => method === 'PATCH')) {
      const { free, strict } = await textFields(route);
      const whole = (text: string) => ({ what: `all: ${text}`, body: free.reduce((body, { at }) => withField(body, at, text), route.sample() as object) });
      // A strict field's schema refuses before anything is touched: a third of the texts will do.
      const cases = texts.flatMap((text, t) => [
        ...(free.length > 0 ? [whole(text)] : []),
        ...strict.filter((_, i) => (i + t) % 3 === 0).map(({ at }) => ({ what: `${at.join('.')}: ${text}`, body: withField(route.sample(), at, text) })),
      ]);
      await each(cases, async ({ what, body }) => {
        const answer = await app.call(route.method, route.url, body);
        const about = `${route.name} ${JSON.stringify(what).slice(0, 80)}`;
        if (answer.status === 200) accepted(answer, about);
        else expect4xx(answer, about);
      });
    }
  }

  test('texts come back clean or are refused; nothing unseen is stored', async () => {
    const unseen =
      /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u115f\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u2069\u3164\ufeff\ufff9-\ufffd]|\u034f|\p{Cs}|(?<!\p{Extended_Pictographic}\ufe0f?)\u200d|\p{M}{5}/u;
    const texts = (value: unknown): string[] =>
      typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
    await sendEverywhere(UNSEEN_TEXT, (answer, what) =>
      expect(
        texts(answer.body.data).filter((text) => unseen.test(text.replaceAll('\n', ' '))),
        what,
      ).toEqual([]),
    );
  });

  test('words of SQL in any field of any body are text like any other', async () => {
    const tables = Object.keys(await contents(app.db));
    await sendEverywhere(SQL_WORDS, (answer, what) => expect(answer.body.success, what).toBe(true));
    expect(Object.keys(await contents(app.db))).toEqual(tables);
    expect((await app.call('GET', `/api/tutors/${world.other.id}`)).body.data.name).toBe(world.other.name);
  });

  test('limits and cursors that no list gave out', async () => {
    for (const list of lists.filter(({ query }) => query.some(({ name }) => name === 'cursor'))) {
      const path = pathOf(list, world);
      const orders = ['', ...(list.query.some(({ name }) => name === 'updated_since') ? ['&updated_since=2020-01-01T00:00:00Z'] : [])];
      await each(BAD_LIMITS, async (limit) => expectRefusal(await app.call('GET', `${path}?limit=${limit}`), 422, 'VALIDATION_FAILED'));
      for (const order of orders) {
        await each(FORGED_CURSORS, async (cursor) => {
          const answer = await app.call('GET', `${path}?cursor=${cursor}${order}`);
          if (answer.status !== 200) expect4xx(answer, `${list.name} ${cursor}${order}`);
          // One made of an id we might have given out is as good as one we gave out.
          else expect(Buffer.from(cursor, 'base64url').toString(), `${list.name} ${cursor}`).toMatch(/^\["(20\d\d-[^"]+","|9999[^"]+","|0190a)/);
        });
      }
    }
  });

  test('ids that name nothing, in paths and in bodies', async () => {
    const strange = [
      UNKNOWN_ID,
      'x',
      '0',
      '-1',
      'null',
      '%00',
      '%20',
      '..%2f..',
      "'",
      '%27%20or%201=1',
      '%F0%9F%90%B6',
      'a'.repeat(2_000),
      UNKNOWN_ID.toUpperCase(),
      `${UNKNOWN_ID}0`,
      `{${UNKNOWN_ID}}`,
      '__proto__',
      'constructor',
    ];
    await leavingNothing(async () => {
      for (const route of routes.filter(({ path, open }) => path.includes('{') && !open)) {
        const sample = bodies(world)[route.name]?.();
        await each(strange, async (id) => {
          const answer = await app.call(route.method, pathOf(route, world, id), sample);
          // Deleting what is not there is not there.
          expect([404, 422], `${route.name} ${id} ${answer.text}`).toContain(answer.status);
          expectEnvelope(answer);
        });
        for (const id of ['%', '%E0%A4%A', '%C0%AF', '%zz']) {
          const answer = await app.call(route.method, pathOf(route, world, id), sample);
          expect([400, 404], `${route.name} ${id}`).toContain(answer.status);
          expectEnvelope(answer);
        }
      }
      for (const [name, body] of [
        ['POST /api/appointments', { tutor_id: UNKNOWN_ID }],
        ['POST /api/appointments', { pet_id: UNKNOWN_ID }],
        ['POST /api/appointments', { service_id: UNKNOWN_ID }],
        ['POST /api/appointments', { resource_id: UNKNOWN_ID }],
        ['POST /api/appointments', { hold_id: UNKNOWN_ID }],
        ['PATCH /api/pets/{id}', { tutor_id: UNKNOWN_ID }],
        ['POST /api/pets/{id}/guardians', { person_id: UNKNOWN_ID }],
        ['POST /api/services', { resources: [UNKNOWN_ID] }],
        ['PATCH /api/services/{id}', { resources: [UNKNOWN_ID] }],
        ['POST /api/customers/{id}/merge', { from_id: UNKNOWN_ID }],
      ] as const) {
        const route = writing.find((one) => one.name === name)!;
        expectRefusal(await app.call(route.method, route.url, { ...route.sample(), ...body }), 422, 'VALIDATION_FAILED');
      }
    });
  });

  test('If-Match and Idempotency-Key that are no version and no key', async () => {
    await leavingNothing(async () => {
      for (const route of writing.filter(({ method }) => method === 'PATCH')) {
        await each(['x', '"x"', '-1', '1.5', '1 2', '"1", "2"', '99999999999999', '""', "1'", '0x1', 'W/', 'null'], async (value) =>
          expectRefusal(await app.call(route.method, route.url, route.sample(), { 'if-match': value }), 422, 'VALIDATION_FAILED'),
        );
      }
      for (const route of writing.filter(({ idempotent }) => idempotent)) {
        await each(['a b', 'x'.repeat(256), 'x'.repeat(5_000), 'ção', 'a\tb', 'é'], async (key) =>
          expectRefusal(await app.call(route.method, route.url, route.sample(), { 'idempotency-key': key }), 422, 'VALIDATION_FAILED'),
        );
      }
    });
  });

  test('one phone in every Brazilian spelling is one tutor', async () => {
    const { body } = await app.call('POST', '/api/tutors', { name: 'Ana', phone: MOBILE });
    expect(body.data.phone).toBe(MOBILE);
    for (const phone of MOBILE_SPELLINGS) {
      const again = await app.call('POST', '/api/tutors', { name: 'Ana', phone });
      expect({ phone, status: again.status, id: again.body.details?.id }, again.text).toEqual({ phone, status: 409, id: body.data.id });
      expect(
        (await app.call('GET', `/api/tutors?phone=${encodeURIComponent(phone)}`)).body.data.map((row: { id: string }) => row.id),
        phone,
      ).toEqual([body.data.id]);
    }
    await leavingNothing(() =>
      each(NOT_PHONES, async (phone) => expectRefusal(await app.call('POST', '/api/tutors', { name: 'Ana', phone }), 422, 'VALIDATION_FAILED')),
    );
  });

  test('bytes on the wire: broken requests, endless headers, smuggling', async () => {
    const key = { 'x-api-key': TEST_KEY };
    const cases: [string, string | Uint8Array, number[]][] = [
      ['no HTTP', 'hello\r\n\r\n', [400]],
      ['no host', 'GET /api/tutors HTTP/1.1\r\nconnection: close\r\n\r\n', [400]],
      [
        'length and chunks',
        head('POST', '/api/tutors', { ...key, 'content-type': 'application/json', 'content-length': '4', 'transfer-encoding': 'chunked' }) + '0\r\n\r\n',
        [400],
      ],
      ['two lengths', head('POST', '/api/tutors', key).replace('\r\n\r\n', '\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'), [400]],
      ['negative length', head('POST', '/api/tutors', { ...key, 'content-length': '-1' }), [400]],
      ['headers too large', head('GET', '/api/tutors', { ...key, cookie: 'x'.repeat(40_000) }), [431]],
      ['a line too long', head('GET', `/api/tutors?q=${'x'.repeat(40_000)}`, key), [431]],
      ['broken escape', head('GET', '/api/tutors/%E0%A4%A', key), [400, 404]],
      ['absolute form', head('GET', 'http://evil.test/api/tutors?limit=1', key), [200]],
      ['asterisk', head('OPTIONS', '*', key), [404, 405]],
      ['two slashes', head('GET', '//api//tutors', key), [404]],
      ['dots', head('GET', '/api/../../etc/passwd', key), [404]],
      [
        'bad chunk',
        head('POST', '/api/tutors', { ...key, 'content-type': 'application/json', 'transfer-encoding': 'chunked' }) + 'zz\r\n{}\r\n0\r\n\r\n',
        [400],
      ],
      ['unknown method', head('BREW', '/api/tutors', key), [400]],
      ['NUL in a header', head('GET', '/api/tutors', { ...key, 'x-request-id': 'a\0b' }), [400]],
    ];
    await leavingNothing(async () => {
      for (const [name, bytes, statuses] of cases) {
        const answer = await sendRaw(app.url, bytes);
        expect(statuses, `${name}: ${answer.status} ${answer.text}`).toContain(answer.status);
        // Node itself answers a request without a host, with nothing but the status.
        if (answer.status >= 400 && name !== 'no host') expect4xx(answer, name);
      }
    });
  });
});

function expect4xx(answer: Answer, what: string): void {
  expect(answer.status, `${what}: ${answer.text}`).toBeLessThan(500);
  expect(answer.headers.get('content-type'), `${what}: ${answer.status} ${answer.text}`).toBe('application/json; charset=utf-8');
  expectEnvelope(answer);
}
