import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';

const bath = { name: 'Banho', duration_minutes: 60, price_cents: 6000 };

describe.each(modes)('services on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const create = async (body: object) => (await app.call('POST', '/api/services', { ...bath, ...body })).body.data;
  const resource = async (name: string, more: object = {}) => (await app.call('POST', '/api/resources', { name, ...more })).body.data;
  const names = async (query: string) => (await app.call('GET', `/api/services?${query}`)).body.data.map((row: { name: string }) => row.name);

  test('a service alone gets a resource of its own, for one customer at a time', async () => {
    const { status, body } = await app.call('POST', '/api/services', { ...bath, name: 'Tosa Higiênica', external_id: 'tosa-1' });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({
      name: 'Tosa Higiênica',
      description: null,
      duration_minutes: 60,
      price_cents: 6000,
      prices: [],
      requires: null,
      species: null,
      booking: 'auto',
      instructions: null,
      buffer_before_minutes: 0,
      buffer_after_minutes: 0,
      external_id: 'tosa-1',
      archived_at: null,
      version: 1,
      resources: [{ name: 'Tosa Higiênica', capacity: 1, hours: null }],
    });
    const own = await app.call('GET', `/api/resources/${body.data.resources[0].id}`);
    expect(own.body.data).toMatchObject({ name: 'Tosa Higiênica', kind: 'other', capacity: 1 });
    expect((await app.call('GET', `/api/services/${body.data.id}`)).body.data).toEqual(body.data);
  });

  test('it takes every field, prices and resources in the order given', async () => {
    const [tub, vet] = [await resource('Banheira 2'), await resource('Banheira 1', { capacity: 2, hours: { mon: ['08:00-12:00'] } })];
    const given = {
      name: 'Banho completo',
      description: 'Com secagem.\nE perfume.',
      duration_minutes: 90,
      price_cents: 11_000,
      booking: 'request',
      species: ['dog', 'cat'],
      instructions: 'Traga a toalha',
      buffer_before_minutes: 5,
      buffer_after_minutes: 10,
      requires: null,
    };
    const prices = [
      { species: 'dog', size: 'giant', price_cents: 20_000, duration_minutes: 150 },
      { coat: 'longa', price_cents: 13_000 },
    ];
    const made = await create({ ...given, prices, resources: [vet.id, tub.id] });
    expect(made).toMatchObject(given);
    expect(made.prices).toEqual([
      { species: 'dog', size: 'giant', coat: null, price_cents: 20_000, duration_minutes: 150 },
      { species: null, size: null, coat: 'longa', price_cents: 13_000, duration_minutes: null },
    ]);
    expect(made.resources).toEqual([
      { id: vet.id, name: 'Banheira 1', capacity: 2, hours: { mon: ['08:00-12:00'], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] } },
      { id: tub.id, name: 'Banheira 2', capacity: 1, hours: null },
    ]);
    const again = await app.call('PATCH', `/api/services/${made.id}`, { prices: made.prices, resources: [tub.id] });
    expect(again.body.data).toMatchObject({ prices: made.prices, resources: [{ id: tub.id }], version: 2 });
    const emptied = await app.call('PATCH', `/api/services/${made.id}`, { prices: [], resources: [], description: null });
    expect(emptied.body.data).toMatchObject({ prices: [], resources: [], description: null, species: ['dog', 'cat'], version: 3 });
  });

  test('an empty list of resources means not bookable yet', async () => {
    expect((await create({ name: 'Em breve', resources: [] })).resources).toEqual([]);
  });

  test.each([
    ['requires', { requires: { completed_service_id: newId() } }],
    ['resources.0', { resources: [newId()] }],
    ['resources', { resources: ['0195c5a0-0000-7000-8000-000000000001', '0195c5a0-0000-7000-8000-000000000001'] }],
    [
      'prices.1',
      {
        prices: [
          { size: 'small', coat: 'Longa', price_cents: 1 },
          { coat: 'longa', size: 'small', price_cents: 2 },
        ],
      },
    ],
    ['prices.0.colour', { prices: [{ colour: 'red', price_cents: 1 }] }],
    ['price_cents', { price_cents: 59.9 }],
    ['duration_minutes', { duration_minutes: 0 }],
    ['species', { species: [] }],
    ['species.0', { species: ['dragon'] }],
    ['booking', { booking: 'never' }],
    ['name', { name: '\u200b ' }],
    ['archived_at', { archived_at: '2027-01-01T00:00:00Z' }],
  ])('a fault is named: %s', async (field, more) => {
    const { status, body } = await app.call('POST', '/api/services', { ...bath, name: 'Nunca criado', ...more });
    expect([status, body.code, body.details.fields.map((f: { field: string }) => f.field)]).toEqual([422, 'VALIDATION_FAILED', [field]]);
    expect(await names('q=nunca%20criado')).toEqual([]);
  });

  test('nothing of a refused service is left behind, its own resource neither', async () => {
    const first = await create({ name: 'Primeiro', external_id: 'dup' });
    const { status, body } = await app.call('POST', '/api/services', { ...bath, name: 'Repetido', external_id: 'dup' });
    expect([status, body.code, body.details]).toEqual([409, 'ALREADY_EXISTS', { id: first.id }]);
    expect((await app.call('GET', '/api/resources?q=repetido')).body.data).toEqual([]);
    const other = await create({ name: 'Segundo' });
    const clash = await app.call('PATCH', `/api/services/${other.id}`, { external_id: 'dup' });
    expect([clash.status, clash.body.code, clash.body.details]).toEqual([409, 'ALREADY_EXISTS', { id: first.id }]);
  });

  test('a change honours If-Match, and a refused one changes nothing', async () => {
    const made = await create({ name: 'Versões' });
    const path = `/api/services/${made.id}`;
    expect((await app.call('PATCH', path, { price_cents: 7000 }, { 'if-match': '"1"' })).body.data).toMatchObject({ price_cents: 7000, version: 2 });
    expect((await app.call('PATCH', path, { prices: [{ price_cents: 1 }] }, { 'if-match': '"1"' })).body.code).toBe('VERSION_MISMATCH');
    expect((await app.call('PATCH', path, { name: 'Outro', resources: [newId()] })).status).toBe(422);
    expect((await app.call('PATCH', path, {})).status).toBe(422);
    expect((await app.call('GET', path)).body.data).toMatchObject({ name: 'Versões', prices: [], version: 2, resources: made.resources });
    expect((await app.call('PATCH', `/api/services/${newId()}`, { price_cents: 1 })).body.code).toBe('NOT_FOUND');
    expect((await app.call('DELETE', path, undefined, { 'if-match': '1' })).status).toBe(412);
  });

  test('an archived resource serves nobody until it is back', async () => {
    const tub = await resource('Banheira em obras');
    const made = await create({ name: 'Banho em obras', resources: [tub.id] });
    const shown = async () => (await app.call('GET', `/api/services/${made.id}`)).body.data.resources.length;
    await app.call('PATCH', `/api/resources/${tub.id}`, { archived: true });
    expect(await shown()).toBe(0);
    expect((await app.call('PATCH', `/api/services/${made.id}`, { resources: [tub.id] })).body.details.fields[0].field).toBe('resources.0');
    await app.call('PATCH', `/api/resources/${tub.id}`, { archived: false });
    expect(await shown()).toBe(1);
  });

  test('what nothing depends on goes with its prices; what was booked can only be archived', async () => {
    const made = await create({ name: 'Passageiro', prices: [{ size: 'small', price_cents: 1 }] });
    const path = `/api/services/${made.id}`;
    await bookOnce(app, made.id);
    const refused = await app.call('DELETE', path);
    expect([refused.status, refused.body.code, refused.body.details.archive]).toEqual([409, 'IN_USE', `PATCH ${path} {"archived": true}`]);
    expect((await app.call('PATCH', path, { archived: true })).body.data.archived_at).not.toBeNull();
    expect(await names('q=passageiro')).toEqual([]);
    expect(await names('q=passageiro&archived=true')).toEqual(['Passageiro']);
    await app.db.run(sql`delete from appointments where service_id = ${made.id}`);
    expect((await app.call('DELETE', path)).status).toBe(204);
    expect((await app.call('GET', path)).status).toBe(404);
    expect((await app.call('DELETE', path)).status).toBe(404);
    expect(await app.db.all(sql`select id from service_prices where service_id = ${made.id}`)).toEqual([]);
  });

  test('lists are cached by query, and any change of the catalogue is seen at once', async () => {
    const made = await create({ name: 'Hidratação' });
    const path = '/api/services?q=hidratacao&limit=10';
    const first = await app.call('GET', path);
    const second = await app.call('GET', path);
    expect([first.headers.get('x-cache'), second.headers.get('x-cache')]).toEqual(['MISS', 'HIT']);
    expect(second.body.data).toEqual(first.body.data);
    expect(second.body.meta).toHaveProperty('next_cursor', null);
    await app.call('PATCH', `/api/resources/${made.resources[0].id}`, { name: 'Mesa' });
    const third = await app.call('GET', path);
    expect(third.headers.get('x-cache')).toBe('MISS');
    expect(third.body.data[0].resources[0].name).toBe('Mesa');
    expect((await app.call('GET', `/api/services/${made.id}`)).body.data.resources[0].name).toBe('Mesa');
  });

  test('pages lead on from cached pages, and statements do not grow with rows', async () => {
    const wanted = ['Página 1', 'Página 2', 'Página 3', 'Página 4', 'Página 5'];
    for (const name of wanted) await create({ name });
    app.statements();
    const whole = await app.call('GET', '/api/services?q=pagina&limit=100');
    const many = app.statements().filter(aboutServices).length;
    await app.call('GET', '/api/services?q=pagina+3');
    expect([many, app.statements().filter(aboutServices).length]).toEqual([2, 2]);
    expect(whole.body.data).toHaveLength(5);
    for (let round = 0; round < 2; round++) {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page = await app.call('GET', `/api/services?q=pagina&limit=2${cursor && `&cursor=${cursor}`}`);
        seen.push(...page.body.data.map((row: { name: string }) => row.name));
        cursor = page.body.meta.next_cursor;
      }
      expect(seen).toEqual(wanted.toReversed());
    }
    const forged = Buffer.from(JSON.stringify(['yesterday', 'x'])).toString('base64url');
    for (const query of ['cursor=nonsense', `cursor=${forged}`]) {
      expect((await app.call('GET', `/api/services?${query}`)).body.details.fields[0].field).toBe('cursor');
    }
  });

  test('updated_since gives what changed, archived ones too, oldest change first', async () => {
    const [a, b] = [await create({ name: 'Mudança A' }), await create({ name: 'Mudança B' })];
    const since = (await app.call('PATCH', `/api/services/${b.id}`, { archived: true })).body.data.updated_at;
    await sleep(2);
    await app.call('PATCH', `/api/services/${a.id}`, { price_cents: 1 });
    expect(await names(`updated_since=${since}`)).toEqual(['Mudança B', 'Mudança A']);
    expect(await names(`updated_since=${since}&archived=false`)).toEqual(['Mudança A']);
  });

  test('a retry with the same key makes one service', async () => {
    const once = () => app.call('POST', '/api/services', { ...bath, name: 'Uma vez só' }, { 'idempotency-key': 'service-once' });
    const [first, second] = [await once(), await once()];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect(await names('q=uma%20vez')).toHaveLength(1);
  });

  test('every change leaves its audit entry and its news', async () => {
    const made = await create({ name: 'Auditado' });
    await app.call('PATCH', `/api/services/${made.id}`, { price_cents: 1 });
    await app.call('DELETE', `/api/services/${made.id}`);
    const trail = await app.db.all<{ action: string }>(sql`select action from audit_log where entity = 'service' and entity_id = ${made.id} order by id`);
    expect(trail.map((row) => row.action)).toEqual(['created', 'updated', 'deleted']);
    const news = await app.db.all<{ subject: { service_id?: string } }>(sql`select subject from events where type = 'catalog.changed'`);
    expect(news.filter((row) => row.subject.service_id === made.id)).toHaveLength(3);
  });

  test('reading and changing are separate scopes', async () => {
    const reader = await app.as({ scopes: ['catalog:read'] });
    expect((await reader('GET', '/api/services')).status).toBe(200);
    expect((await reader('POST', '/api/services', bath)).status).toBe(403);
    expect((await (await app.as({ scopes: ['orders:read'] }))('GET', '/api/services')).status).toBe(403);
  });
});

function aboutServices({ text }: { text: string }): boolean {
  return /from service/.test(text);
}

/** A visit as the database sees it. */
async function bookOnce(app: TestApp, serviceId: string): Promise<void> {
  const [person, pet, at] = [newId(), newId(), app.clock.now()];
  await app.db.run(sql`insert into user_profiles (id, created_at, updated_at) values (${person}, ${at}, ${at})`);
  await app.db.run(sql`insert into tutors (id, name, created_at, updated_at) values (${person}, 'Ana', ${at}, ${at})`);
  await app.db.run(sql`insert into pets (id, tutor_id, name, species, created_at, updated_at) values (${pet}, ${person}, 'Rex', 'dog', ${at}, ${at})`);
  await app.db.run(sql`
    insert into appointments (id, tutor_id, pet_id, service_id, status, starts_at, ends_at, created_at, updated_at)
    values (${newId()}, ${person}, ${pet}, ${serviceId}, 'completed', '2020-01-02T13:00:00.000Z', '2020-01-02T14:00:00.000Z', ${at}, ${at})`);
}
