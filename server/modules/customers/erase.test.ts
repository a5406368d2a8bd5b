import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Database } from '#platform/db/database';
import { byEngine, identifier, sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';

describe.each(modes)('erasing a customer on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const create = async (body: object): Promise<{ id: string }> => (await app.call('POST', '/api/customers', body)).body.data;
  const askErasure = (id: string) => app.call('DELETE', `/api/customers/${id}?erase=true`);
  const erase = async (id: string) => {
    const asked = await askErasure(id);
    for (let answer = asked; answer.body.data.job.status !== 'done'; answer = await askErasure(id)) await sleep(50);
    return asked;
  };

  test('of a canary nothing is left in any table, and what others hold stays', async () => {
    const CANARY = `Kanarienvogel${Math.random().toString(36).slice(2, 10)}`;
    const phones = ['+5511955512345', '+5511955567890'];
    const key = { 'idempotency-key': `canary-${mode.engine}` };
    const made = await app.call(
      'POST',
      '/api/customers',
      {
        phone: phones[0],
        name: `${CANARY} Silva`,
        push_name: CANARY,
        email: `${CANARY}@example.com`,
        tax_id: '529.982.247-25',
        notes: CANARY,
        external_id: CANARY,
        address: { street: CANARY },
      },
      key,
    );
    const { id } = made.body.data;
    const twin = await create({ phone: phones[1], name: `${CANARY} 2` });
    await app.call('POST', `/api/customers/${id}/merge`, { from_id: twin.id }, { 'idempotency-key': `canary-merge-${mode.engine}` });
    const pet = await app.call(
      'POST',
      `/api/tutors/${id}/pets`,
      {
        name: `${CANARY}zinho`,
        species: 'dog',
        size: 'large',
        breed: CANARY,
        coat: CANARY,
        notes: CANARY,
        handling_notes: CANARY,
        external_id: `${CANARY}-pet`,
      },
      { 'idempotency-key': `canary-pet-${mode.engine}` },
    );
    await app.call('PATCH', `/api/pets/${pet.body.data.id}`, { notes: `${CANARY} mordeu` });
    const friend = await create({ name: 'Amiga' });
    const shared = await app.call('POST', `/api/tutors/${friend.id}/pets`, { name: 'Nina', species: 'cat' });
    await app.call('POST', `/api/pets/${shared.body.data.id}/guardians`, { person_id: id, role: CANARY });
    await app.call('POST', `/api/customers/${id}/consents`, { purpose: 'marketing', granted: true, source: CANARY, evidence: `${CANARY} disse sim` });
    await app.db.run(
      sql`insert into identities (id, person_id, channel, address, kind, created_at, last_seen_at) values (${newId()}, ${id}, 'simulator', ${CANARY}, 'opaque', ${app.clock.now()}, ${app.clock.now()})`,
    );
    await app.call('GET', `/api/customers/${id}`);
    await app.call('GET', `/api/tutors/${id}`);
    const before = await dump(app.db);
    expect(before.split(CANARY).length).toBeGreaterThan(20);
    expect((await inRedis(CANARY)) > 0).toBe(mode.cache === 'redis');

    const asked = await erase(id);
    expect([asked.status, asked.body.data.job]).toEqual([202, { id: expect.any(String), status: expect.stringMatching(/ready|done/) }]);
    const after = await dump(app.db);
    for (const trace of [CANARY, ...phones, '52998224725']) expect(after + app.logs().join('')).not.toContain(trace);
    expect(await inRedis(CANARY)).toBe(0);

    for (const path of ['/api/customers/', '/api/tutors/']) {
      expect((await app.call('GET', path + id)).status).toBe(404);
      expect((await app.call('PATCH', path + id, { name: 'Volta' })).status).toBe(404);
    }
    expect((await app.call('POST', `/api/tutors/${id}/pets`, { name: 'Novo', species: 'dog' })).status).toBe(404);
    expect((await app.call('POST', `/api/customers/${friend.id}/merge`, { from_id: id })).status).toBe(422);
    expect((await app.call('GET', `/api/pets/${shared.body.data.id}/guardians`)).body.data).toEqual([]);
    expect((await app.call('GET', `/api/pets/${pet.body.data.id}`)).body.data).toMatchObject({
      name: 'Pet',
      species: 'dog',
      size: 'large',
      breed: null,
      notes: null,
    });
    const proof = await app.db.all(sql`select purpose, granted, source, evidence from consents where person_id = ${id}`);
    expect(proof).toEqual([{ purpose: 'marketing', granted: true, source: 'other', evidence: null }]);
    expect(await app.db.first(sql`select marketing_opt_out from user_profiles where id = ${id}`)).toEqual({ marketing_opt_out: true });
    expect(await app.db.all<{ action: string }>(sql`select action from audit_log where person_id = ${id} and changes is not null`)).toEqual([]);
    expect(await app.db.first(sql`select type from events where type = 'person.erased'`)).toEqual({ type: 'person.erased' });
    expect((await app.call('POST', '/api/customers', { phone: phones[0], name: 'Outra pessoa' })).status).toBe(201);
  });

  test('a pet with a guardian lives on with them, and their view shows it at once', async () => {
    const [mother, father] = [await create({ name: 'Mãe' }), await create({ name: 'Pai' })];
    const rex = (await app.call('POST', `/api/tutors/${mother.id}/pets`, { name: 'Rex', species: 'dog', handling_notes: 'morde', notes: 'a mãe paga' })).body
      .data;
    await app.call('POST', `/api/pets/${rex.id}/guardians`, { person_id: father.id });
    await app.call('GET', `/api/customers/${father.id}`);
    await erase(mother.id);
    const { pets } = (await app.call('GET', `/api/customers/${father.id}`)).body.data;
    expect(pets).toMatchObject([{ id: rex.id, name: 'Rex', relation: 'tutor', tutor_id: father.id, handling_notes: 'morde', notes: null, archived_at: null }]);
    expect((await app.call('GET', `/api/pets/${rex.id}/guardians`)).body.data).toEqual([]);
  });

  test('it works whatever hangs on the person; lists forget them, and followers of changes are told', async () => {
    const ana = await create({ phone: '+5511955500001', name: 'Ana Pedido' });
    await app.db.run(
      sql`insert into orders (id, number, user_id, status, created_at, updated_at) values (${newId()}, 4712, ${ana.id}, 'paid', ${app.clock.now()}, ${app.clock.now()})`,
    );
    expect((await app.call('DELETE', `/api/customers/${ana.id}`)).body.code).toBe('IN_USE');
    await erase(ana.id);
    expect((await app.call('GET', '/api/customers?q=pedido')).body.data).toEqual([]);
    for (const list of ['customers', 'customers?archived=true', 'tutors?archived=true']) {
      expect((await app.call('GET', `/api/${list}`)).body.data.map((row: { id: string }) => row.id)).not.toContain(ana.id);
    }
    const since = (await app.call('GET', '/api/customers?updated_since=2020-01-01T00:00:00Z&limit=100')).body.data.find(
      (row: { id: string }) => row.id === ana.id,
    );
    expect(since).toMatchObject({ name: null, phone: null, erased_at: expect.any(String) });
    expect((await app.call('DELETE', `/api/customers/${ana.id}`)).status).toBe(404);
  });

  test('asking twice is one job; asking for nobody is 404; other flags are refused', async () => {
    const ana = await create({ name: 'Ana' });
    const [first, second] = [await askErasure(ana.id), await askErasure(ana.id)];
    expect(second.body.data.job.id).toBe(first.body.data.job.id);
    expect((await askErasure(newId())).status).toBe(404);
    expect((await app.call('DELETE', `/api/customers/${ana.id}?erase=yes`)).status).toBe(422);
  });
});

/** Every row of every table, as text. */
async function dump(db: Database): Promise<string> {
  const catalogue = byEngine({
    postgresql: sql`information_schema.tables where table_schema = 'public'`,
    sqlite: sql`(select name as table_name from sqlite_master where type = 'table' and name not like 'sqlite_%')`,
  });
  const tables = await db.all<{ name: string }>(sql`select cast(table_name as text) as name from ${catalogue}`);
  const contents = await Promise.all(tables.map(async ({ name }) => [name, await db.all(sql`select * from ${identifier(name)}`)]));
  return JSON.stringify(contents);
}

/** In how many of all entries there the word stands. */
async function inRedis(word: string): Promise<number> {
  const url = inject('redisUrl');
  if (url === undefined) return 0;
  const redis = new Redis(url);
  let found = 0;
  for await (const keys of redis.scanStream({ match: 'car:*', type: 'string', count: 500 }) as AsyncIterable<string[]>) {
    const values = keys.length > 0 ? await redis.mget(keys) : [];
    found += values.filter((value) => value?.includes(word)).length;
  }
  redis.disconnect();
  return found;
}
