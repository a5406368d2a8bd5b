import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';

describe.each(modes)('merging customers on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const create = async (body: object): Promise<{ id: string; version: number }> => (await app.call('POST', '/api/customers', body)).body.data;
  const view = async (id: string) => (await app.call('GET', `/api/customers/${id}`)).body.data;
  const pet = async (tutorId: string, name: string): Promise<{ id: string }> =>
    (await app.call('POST', `/api/tutors/${tutorId}/pets`, { name, species: 'dog' })).body.data;
  const merge = (into: string, from: string) => app.call('POST', `/api/customers/${into}/merge`, { from_id: from });
  const identify = (id: string, address: string) =>
    app.db.run(
      sql`insert into identities (id, person_id, channel, address, kind, created_at, last_seen_at) values (${newId()}, ${id}, 'simulator', ${address}, 'opaque', ${app.clock.now()}, ${app.clock.now()})`,
    );
  const names = (pets: { name: string }[]) => pets.map((p) => p.name).toSorted();

  test('everything moves: fields that were missing, pets, guarded pets, identities, consents, orders', async () => {
    const into = await create({ name: 'Ana' });
    const from = await create({
      phone: '+5511900001001',
      name: 'Ana S.',
      email: 'ana@example.com',
      push_name: 'aninha',
      external_id: 'erp-ana',
      notes: 'nota',
    });
    const [other, guardian] = [await create({ name: 'Outro' }), await create({ name: 'Tia' })];
    await pet(into.id, 'Um');
    const two = await pet(from.id, 'Dois');
    const three = await pet(other.id, 'Três');
    await app.call('POST', `/api/pets/${two.id}/guardians`, { person_id: guardian.id });
    await app.call('POST', `/api/pets/${two.id}/guardians`, { person_id: into.id });
    await app.call('POST', `/api/pets/${three.id}/guardians`, { person_id: from.id, role: 'madrinha' });
    await identify(from.id, 'ana-lid');
    await app.call('POST', `/api/customers/${from.id}/consents`, { purpose: 'photos', granted: true });
    await app.db.run(
      sql`insert into orders (id, number, user_id, status, created_at, updated_at) values (${newId()}, 4711, ${from.id}, 'paid', ${app.clock.now()}, ${app.clock.now()})`,
    );
    await Promise.all([view(into.id), view(from.id), view(guardian.id)]);

    const merged = await merge(into.id, from.id);
    expect(merged.status).toBe(200);
    expect(merged.body.data).toMatchObject({
      id: into.id,
      name: 'Ana',
      phone: '+5511900001001',
      email: 'ana@example.com',
      push_name: 'aninha',
      external_id: 'erp-ana',
      notes: 'nota',
      consents: { photos: { granted: true } },
      identities: [{ address: 'ana-lid' }],
    });
    expect(merged.body.data.version).toBeGreaterThan(into.version);
    expect(names(merged.body.data.pets)).toEqual(['Dois', 'Três', 'Um']);
    expect(await view(into.id)).toEqual(merged.body.data);
    expect(merged.body.data.pets.find((p: { id: string }) => p.id === three.id).relation).toBe('madrinha');
    expect((await view(guardian.id)).pets).toMatchObject([{ id: two.id, tutor_id: into.id }]);
    expect((await app.call('GET', `/api/pets/${two.id}/guardians`)).body.data).toMatchObject([{ person_id: guardian.id }]);
    expect(await app.db.first(sql`select user_id from orders where number = 4711`)).toEqual({ user_id: into.id });

    for (const path of [
      `/api/customers/${from.id}`,
      `/api/tutors/${from.id}`,
      `/api/tutors/${from.id}/pets`,
      `/api/customers/${from.id}/export`,
      `/api/customers/${from.id}/consents`,
    ]) {
      const gone = await app.call('GET', path);
      expect([path, gone.status, gone.body.code, gone.body.details]).toEqual([path, 404, 'NOT_FOUND', { merged_into: into.id }]);
    }
    const event = await app.db.first(sql`select subject from events where type = 'person.merged' order by seq desc limit 1`);
    expect(event).toEqual({ subject: { person_id: into.id, from_id: from.id } });
  });

  test("what both have stays the target's; the other phone is one more way to know them, the rest is on record", async () => {
    const into = await create({ phone: '+5511900001002', name: 'Bia', notes: 'a' });
    const from = await create({ phone: '+5511900001003', name: 'Beatriz', notes: 'b', external_id: 'erp-bia' });
    const merged = (await merge(into.id, from.id)).body.data;
    expect(merged).toMatchObject({ phone: '+5511900001002', name: 'Bia', notes: 'a\n\nb', external_id: 'erp-bia' });
    expect(merged.identities).toMatchObject([{ channel: 'manual', kind: 'phone', address: '+5511900001003' }]);
    expect((await app.call('GET', '/api/customers?phone=%2B5511900001003')).body.data).toMatchObject([{ id: into.id }]);
    const known = await app.call('POST', '/api/tutors', { name: 'Bia', phone: '11 90000-1003' });
    expect([known.status, known.body.details]).toEqual([409, { id: into.id }]);
    const third = await create({ phone: '+5511900001006', external_id: 'erp-terceira' });
    for (const [path, patch] of [
      ['tutors', { phone: '11 90000-1003' }],
      ['customers', { phone: '11 90000-1003', name: 'Terceira' }],
      ['tutors', { phone: '11 90000-1006', external_id: 'erp-bia' }],
    ] as const) {
      const answer = await app.call('PATCH', `/api/${path}/${third.id}`, patch);
      expect([answer.status, answer.body.code, answer.body.details]).toEqual([409, 'ALREADY_EXISTS', { id: into.id }]);
    }
    expect(await view(third.id)).toMatchObject({ phone: '+5511900001006', name: null, external_id: 'erp-terceira', version: 1 });
    // Their own second phone may become the first.
    expect((await app.call('PATCH', `/api/tutors/${into.id}`, { phone: '11 90000-1003' })).body.data.phone).toBe('+5511900001003');
    const { history } = (await app.call('GET', `/api/customers/${into.id}/export`)).body.data.customers;
    expect(history).toContainEqual(
      expect.objectContaining({ action: 'merged', changes: expect.objectContaining({ set_aside: { phone: '+5511900001003', name: 'Beatriz' } }) }),
    );
  });

  test('a phone set while a merge gives it to another has one owner in the end', async () => {
    for (let round = 0; round < 5; round++) {
      const [phone, query] = [`+551190000120${round}`, `%2B551190000120${round}`];
      const [into, from, third] = [await create({ phone: `+551190000130${round}` }), await create({ phone }), await create({ name: 'Terceira' })];
      const [merged] = await Promise.all([
        merge(into.id, from.id),
        app.call('PATCH', `/api/tutors/${third.id}`, { phone }),
        app.call('POST', '/api/tutors', { name: 'Quarta', phone }),
      ]);
      expect(merged.status).toBe(200);
      expect((await app.call('GET', `/api/customers?phone=${query}`)).body.data).toHaveLength(1);
    }
  });

  test('a no to marketing on either record is a no afterwards, whatever was said later on the other', async () => {
    const [into, from] = [await create({ phone: '+5511900001004' }), await create({ phone: '+5511900001005' })];
    await app.call('POST', `/api/customers/${from.id}/consents`, { purpose: 'marketing', granted: false });
    await app.call('POST', `/api/customers/${into.id}/consents`, { purpose: 'marketing', granted: true });
    expect((await merge(into.id, from.id)).body.data).toMatchObject({ marketing_opt_out: true, consents: { marketing: { granted: false } } });
  });

  test('merges chain: the first id leads to the last', async () => {
    const [a, b, c] = [await create({ name: 'A' }), await create({ name: 'B' }), await create({ name: 'C' })];
    await merge(b.id, a.id);
    await merge(c.id, b.id);
    for (const id of [a.id, b.id]) expect((await app.call('GET', `/api/customers/${id}`)).body.details).toEqual({ merged_into: c.id });
    const gone = await merge(b.id, c.id);
    expect([gone.status, gone.body.details]).toEqual([404, { merged_into: c.id }]);
  });

  test('itself, unknown and absent records are refused, and nothing changes', async () => {
    const ana = await create({ name: 'Ana' });
    for (const from_id of [ana.id, newId(), 'x', undefined]) {
      const answer = await app.call('POST', `/api/customers/${ana.id}/merge`, { from_id });
      expect([answer.status, answer.body.details.fields[0].field]).toEqual([422, 'from_id']);
    }
    expect((await merge(newId(), ana.id)).status).toBe(404);
    expect((await view(ana.id)).version).toBe(1);
  });

  test('two merges against each other leave one person, and a pet added meanwhile is not lost', async () => {
    for (let round = 0; round < 4; round++) {
      const [a, b] = [await create({ name: 'A' }), await create({ name: 'B' })];
      const added = app.call('POST', `/api/tutors/${b.id}/pets`, { name: 'Rápido', species: 'dog' });
      const [ab, ba, late] = [...(await Promise.all([merge(a.id, b.id), merge(b.id, a.id)])), await added] as const;
      expect(Math.min(ab.status, ba.status)).toBe(200);
      expect([404, 409, 422]).toContain(Math.max(ab.status, ba.status));
      const left = ab.status === 200 ? a.id : b.id;
      expect(late.status).toBeLessThan(500);
      expect(names((await view(left)).pets)).toEqual(late.status === 201 ? ['Rápido'] : []);
    }
  });

  test('a retry under the same Idempotency-Key answers the same', async () => {
    const [into, from] = [await create({ name: 'A' }), await create({ name: 'B' })];
    const once = () => app.call('POST', `/api/customers/${into.id}/merge`, { from_id: from.id }, { 'idempotency-key': `merge-${into.id}` });
    const [first, second] = [await once(), await once()];
    expect([first.status, second.status, second.text]).toEqual([200, 200, first.text]);
  });
});
