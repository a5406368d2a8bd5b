import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';

describe.each(modes)('customers on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const create = async (body: object) => (await app.call('POST', '/api/customers', body)).body.data;
  const ids = (answer: { body: { data: { id: string }[] } }) => answer.body.data.map((row) => row.id);

  test('a customer needs a phone, a name or an external id, and any one is enough', async () => {
    const byPhone = await app.call('POST', '/api/customers', { phone: '011 8765-4321', push_name: 'Zé 🐶' });
    expect(byPhone.status).toBe(201);
    expect(byPhone.body.data).toMatchObject({
      phone: '+5511987654321',
      push_name: 'Zé 🐶',
      name: null,
      identities: [],
      pets: [],
      consents: { marketing: null, reminders: null, photos: null },
      version: 1,
      erased_at: null,
    });
    expect((await create({ name: 'Só Nome' })).phone).toBeNull();
    expect((await create({ external_id: 'erp-1' })).external_id).toBe('erp-1');
    for (const body of [{}, { push_name: 'Zé' }, { phone: 'abc' }, { name: 'Ana', id: newId() }])
      expect((await app.call('POST', '/api/customers', body)).status).toBe(422);
    const again = await app.call('POST', '/api/customers', { phone: '+55 11 98765-4321' });
    expect([again.status, again.body.code, again.body.details]).toEqual([409, 'ALREADY_EXISTS', { id: byPhone.body.data.id }]);
    const tutor = await app.call('POST', '/api/tutors', { name: 'Zé', phone: '11987654321' });
    expect([tutor.status, tutor.body.details]).toEqual([409, { id: byPhone.body.data.id }]);
  });

  test('a customer is the tutor of the same id, seen whole; the view is cached and never old', async () => {
    const ana = await create({ phone: '+5511900000001', name: 'Ana Souza', email: 'ANA@example.com' });
    const read = () => app.call('GET', `/api/customers/${ana.id}`);
    expect((await read()).headers.get('x-cache')).toBe('MISS');
    const hit = await read();
    expect([hit.headers.get('x-cache'), hit.body.data]).toEqual(['HIT', ana]);
    const patched = await app.call('PATCH', `/api/tutors/${ana.id}`, { notes: 'prefere manhã' });
    expect((await read()).body.data).toMatchObject({ notes: 'prefere manhã', version: patched.body.data.version });
    const pet = await app.call('POST', `/api/tutors/${ana.id}/pets`, { name: 'Mel', species: 'cat' });
    expect((await read()).body.data.pets).toEqual([{ ...pet.body.data, relation: 'tutor' }]);
    await app.call('PATCH', `/api/pets/${pet.body.data.id}`, { archived: true });
    expect((await read()).body.data.pets).toEqual([]);
  });

  test('a change answers the view, honours If-Match, and a phone can be taken away', async () => {
    const bia = await create({ phone: '+5511900000002', name: 'Bia' });
    const patched = await app.call('PATCH', `/api/customers/${bia.id}`, { phone: null, push_name: 'bia!', name: 'Bia Lima' }, { 'if-match': '1' });
    expect(patched.body.data).toMatchObject({ phone: null, push_name: 'bia!', name: 'Bia Lima', version: 2 });
    expect((await app.call('PATCH', `/api/customers/${bia.id}`, { name: 'X' }, { 'if-match': '1' })).body.code).toBe('VERSION_MISMATCH');
    expect((await app.call('PATCH', `/api/customers/${newId()}`, { name: 'X' })).status).toBe(404);
    const other = await create({ phone: '+5511900000003' });
    const clash = await app.call('PATCH', `/api/customers/${bia.id}`, { phone: '+5511900000003' });
    expect([clash.status, clash.body.code, clash.body.details]).toEqual([409, 'ALREADY_EXISTS', { id: other.id }]);
  });

  test('search by name without accents, by phone in any spelling, by external id; and what changed since', async () => {
    const joao = await create({ phone: '+5521955554444', name: 'João Conceição', external_id: 'erp-joao' });
    expect(ids(await app.call('GET', '/api/customers?q=joao%20conce'))).toEqual([joao.id]);
    expect(ids(await app.call('GET', '/api/customers?q=5555-4444'))).toEqual([joao.id]);
    expect(ids(await app.call('GET', '/api/customers?phone=(21)%2095555-4444'))).toEqual([joao.id]);
    expect(ids(await app.call('GET', '/api/customers?external_id=erp-joao'))).toEqual([joao.id]);
    const touched = await app.call('PATCH', `/api/customers/${joao.id}`, { notes: 'oi' });
    expect(ids(await app.call('GET', `/api/customers?updated_since=${touched.body.data.updated_at}`))).toEqual([joao.id]);
    await app.call('PATCH', `/api/customers/${joao.id}`, { archived: true });
    expect(ids(await app.call('GET', '/api/customers?q=joao'))).toEqual([]);
    expect(ids(await app.call('GET', '/api/customers?q=joao&archived=true'))).toEqual([joao.id]);
  });

  test('a phone or an external id finds who has it, archived or not, so that find or create ends', async () => {
    const lia = await create({ phone: '+5521955554445', name: 'Lia', external_id: 'erp-lia' });
    await app.call('PATCH', `/api/customers/${lia.id}`, { archived: true });
    for (const path of ['customers', 'tutors'])
      for (const [query, found] of [
        ['phone=21955554445', [lia.id]],
        ['external_id=erp-lia', [lia.id]],
        ['external_id=erp-lia&archived=true', [lia.id]],
        ['phone=21955554445&archived=false', []],
      ] as const)
        expect(ids(await app.call('GET', `/api/${path}?${query}`)), `${path}?${query}`).toEqual(found);
  });

  test('a search for a whole phone understands every Brazilian spelling, and a second phone', async () => {
    const rui = await create({ phone: '+5511999497990', name: 'Rui' });
    const old = await create({ phone: '+5511999497991' });
    await app.call('POST', `/api/customers/${rui.id}/merge`, { from_id: old.id });
    for (const q of ['011999497990', '(11) 9949-7990', '0xx11 99949-7990', '+55 11 99949 7990', '1199497991'])
      for (const path of ['customers', 'tutors'])
        expect(ids(await app.call('GET', `/api/${path}?q=${encodeURIComponent(q)}`)), `${path} ${q}`).toEqual([rui.id]);
  });

  test('a list costs the same statements for one row and for many', async () => {
    const cost = async (limit: number) => {
      app.statements();
      const { body } = await app.call('GET', `/api/customers?limit=${limit}`);
      return { rows: body.data.length, statements: app.statements().filter(({ text }) => /from tutors/.test(text)).length };
    };
    for (let i = 0; i < 3; i++) await create({ name: `Lista ${i}` });
    const [one, many] = [await cost(1), await cost(3)];
    expect([one, many]).toEqual([
      { rows: 1, statements: 1 },
      { rows: 3, statements: 1 },
    ]);
  });

  test('consents: the newest record holds, and the one about marketing moves the opt-out', async () => {
    const cris = await create({ phone: '+5511900000004', name: 'Cris' });
    const path = `/api/customers/${cris.id}/consents`;
    await app.call('GET', `/api/customers/${cris.id}`);
    const yes = await app.call('POST', path, { purpose: 'marketing', granted: true, source: 'whatsapp', evidence: 'pode mandar' });
    expect(yes.status).toBe(201);
    expect(yes.body.data).toMatchObject({
      purpose: 'marketing',
      granted: true,
      source: 'whatsapp',
      evidence: 'pode mandar',
      current: { marketing: { granted: true }, reminders: null },
    });
    const no = await app.call('POST', path, { purpose: 'marketing', granted: false });
    expect(no.body.data).toMatchObject({ source: 'api_key', current: { marketing: { granted: false } } });
    expect((await app.call('GET', `/api/customers/${cris.id}`)).body.data).toMatchObject({
      marketing_opt_out: true,
      consents: { marketing: { granted: false, id: no.body.data.id } },
    });
    await app.call('POST', path, { purpose: 'reminders', granted: true });
    await app.call('POST', path, { purpose: 'marketing', granted: true });
    const log = (await app.call('GET', path)).body.data;
    expect(log.records.map((r: { purpose: string; granted: boolean }) => [r.purpose, r.granted])).toEqual([
      ['marketing', true],
      ['reminders', true],
      ['marketing', false],
      ['marketing', true],
    ]);
    expect(log.current).toMatchObject({ marketing: { granted: true }, reminders: { granted: true }, photos: null });
    expect((await app.call('GET', `/api/tutors/${cris.id}`)).body.data.marketing_opt_out).toBe(false);
    for (const body of [{ purpose: 'ads', granted: true }, { purpose: 'marketing' }, { purpose: 'marketing', granted: 'yes' }])
      expect((await app.call('POST', path, body)).status).toBe(422);
    expect((await app.call('POST', `/api/customers/${newId()}/consents`, { purpose: 'photos', granted: true })).status).toBe(404);
    expect((await app.call('GET', `/api/customers/${newId()}/consents`)).status).toBe(404);
  });

  test('an opt-out set or cleared by a change of the tutor is a consent record too, once', async () => {
    const { id } = await create({ phone: '+5511900000005', marketing_consent: true });
    const records = async () => (await app.call('GET', `/api/customers/${id}/consents`)).body.data.records.map((r: { granted: boolean }) => r.granted);
    expect(await records()).toEqual([true]);
    await app.call('PATCH', `/api/tutors/${id}`, { marketing_opt_out: true });
    await app.call('PATCH', `/api/tutors/${id}`, { marketing_opt_out: true });
    expect(await records()).toEqual([false, true]);
    const refused = await create({ phone: '+5511900000006', marketing_consent: false });
    expect(refused).toMatchObject({ marketing_opt_out: true, consents: { marketing: { granted: false } } });
  });

  test('a customer nothing hangs on is removed; one with a pet is in use', async () => {
    const dora = await create({ phone: '+5511900000007', name: 'Dora' });
    const pet = await app.call('POST', `/api/tutors/${dora.id}/pets`, { name: 'Mel', species: 'cat' });
    const refused = await app.call('DELETE', `/api/customers/${dora.id}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'IN_USE']);
    await app.call('DELETE', `/api/pets/${pet.body.data.id}`);
    expect((await app.call('DELETE', `/api/customers/${dora.id}`)).status).toBe(204);
    for (const path of [`/api/customers/${dora.id}`, `/api/tutors/${dora.id}`]) expect((await app.call('GET', path)).status).toBe(404);
    expect((await app.call('DELETE', `/api/customers/${dora.id}`)).status).toBe(404);
  });

  test('an export holds everything, and that it was made is on record', async () => {
    const eva = await create({ phone: '+5511900000008', name: 'Eva', notes: 'nota da Eva' });
    const rex = (await app.call('POST', `/api/tutors/${eva.id}/pets`, { name: 'Rex', species: 'dog', handling_notes: 'morde' })).body.data;
    const leo = await create({ name: 'Léo' });
    const mel = (await app.call('POST', `/api/tutors/${leo.id}/pets`, { name: 'Mel', species: 'cat' })).body.data;
    await app.call('POST', `/api/pets/${mel.id}/guardians`, { person_id: eva.id });
    await app.call('POST', `/api/customers/${eva.id}/consents`, { purpose: 'photos', granted: true, evidence: 'ok' });
    await app.db.run(
      sql`insert into identities (id, person_id, channel, address, kind, created_at, last_seen_at) values (${newId()}, ${eva.id}, 'simulator', 'eva-1', 'opaque', ${app.clock.now()}, ${app.clock.now()})`,
    );
    const { status, body } = await app.call('GET', `/api/customers/${eva.id}/export`);
    expect(status).toBe(200);
    expect(body.data.customers).toMatchObject({
      person: { name: 'Eva', phone: '+5511900000008', notes: 'nota da Eva' },
      identities: [{ channel: 'simulator', address: 'eva-1' }],
      pets: [{ id: rex.id, handling_notes: 'morde' }],
      guardian_of: [{ pet_id: mel.id, pet_name: 'Mel' }],
      consents: [{ purpose: 'photos', evidence: 'ok' }],
    });
    expect(body.data.customers.history).toContainEqual(
      expect.objectContaining({ action: 'created', entity: 'tutor', changes: expect.objectContaining({ notes: 'nota da Eva' }) }),
    );
    expect(body.data).toHaveProperty('orders');
    const trail = await app.db.all<{ action: string }>(sql`select action from audit_log where person_id = ${eva.id} order by id desc limit 1`);
    expect(trail).toEqual([{ action: 'exported' }]);
    expect((await app.call('GET', `/api/customers/${newId()}/export`)).status).toBe(404);
  });
});
