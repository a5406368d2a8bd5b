import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';

describe.each(modes)('pets on $engine + $cache', (mode) => {
  let app: TestApp;
  let people = 0;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const tutor = async (name = 'Ana'): Promise<string> =>
    (await app.call('POST', '/api/tutors', { name, phone: `+5511987${String(100_000 + ++people)}` })).body.data.id;
  const pet = async (tutorId: string, more: object = {}) =>
    (await app.call('POST', `/api/tutors/${tutorId}/pets`, { name: 'Rex', species: 'dog', ...more })).body.data;
  const view = async (id: string) => (await app.call('GET', `/api/customers/${id}`)).body.data;
  const faults = (answer: { body: { details: { fields: { field: string }[] } } }) => answer.body.details.fields.map((fault) => fault.field);
  const lastEvent = async (petId: string) =>
    (
      await app.db.all<{ type: string; subject: { pet_id?: string; person_id?: string } }>(sql`select type, subject from events order by seq desc limit 20`)
    ).find((event) => event.subject.pet_id === petId);

  test('a pet is created with all its facts and read back', async () => {
    const ana = await tutor();
    const facts = {
      name: ' Mel \u200B',
      species: 'cat',
      breed: 'SRD',
      size: 'small',
      coat: 'curta',
      sex: 'female',
      birth_date: '2020-02-29',
      weight_kg: 4.125,
      neutered: true,
      handling_notes: 'arranha',
      notes: 'linha 1\nlinha 2',
      external_id: `mel-${ana}`,
    };
    const created = await app.call('POST', `/api/tutors/${ana}/pets`, facts);
    expect(created.status).toBe(201);
    expect(created.body.data).toMatchObject({ ...facts, name: 'Mel', tutor_id: ana, deceased_at: null, archived_at: null, version: 1 });
    const read = await app.call('GET', `/api/pets/${created.body.data.id}`);
    expect(read.body.data).toEqual(created.body.data);
    expect((await pet(ana)).neutered).toBeNull();
    expect(await lastEvent(created.body.data.id)).toMatchObject({ type: 'pet.changed', subject: { person_id: ana } });
  });

  test.each([
    ['species', { species: 'dragon' }],
    ['species', { species: null }],
    ['name', { name: '\u200B ' }],
    ['size', { size: 'huge' }],
    ['sex', { sex: 'm' }],
    ['birth_date', { birth_date: '2021-02-29' }],
    ['birth_date', { birth_date: '2098-01-01' }],
    ['weight_kg', { weight_kg: 0 }],
    ['weight_kg', { weight_kg: 200.001 }],
    ['weight_kg', { weight_kg: 1.0001 }],
    ['weight_kg', { weight_kg: '4' }],
    ['neutered', { neutered: 'yes' }],
    ['archived', { archived: true }],
    ['colour', { colour: 'black' }],
  ])('a bad %s is refused by name: %j', async (field, wrong) => {
    const ana = await tutor();
    const answer = await app.call('POST', `/api/tutors/${ana}/pets`, { name: 'Rex', species: 'dog', ...wrong });
    expect([answer.status, answer.body.code, faults(answer)]).toEqual([422, 'VALIDATION_FAILED', [field]]);
    expect((await app.call('GET', `/api/tutors/${ana}/pets`)).body.data).toEqual([]);
  });

  test("born today by the clinic's calendar is fine, tomorrow is not, at any hour of the day", async () => {
    const ana = await tutor();
    const day = (offset: number) => new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' }).format(Date.parse(app.clock.now()) + offset);
    expect((await app.call('POST', `/api/tutors/${ana}/pets`, { name: 'Novo', species: 'dog', birth_date: day(0) })).status).toBe(201);
    const tomorrow = await app.call('POST', `/api/tutors/${ana}/pets`, { name: 'Cedo', species: 'dog', birth_date: day(86_400_000) });
    expect(faults(tomorrow)).toEqual(['birth_date']);
    const patched = await app.call('PATCH', `/api/pets/${(await pet(ana)).id}`, { birth_date: day(86_400_000) });
    expect(faults(patched)).toEqual(['birth_date']);
    // The clinic's own zone says which day it is: in Rio Branco it is still yesterday when São Paulo has begun the day.
    const dawn = `${day(86_400_000)}T03:30:00.000Z`;
    const born = () => app.call('POST', `/api/tutors/${ana}/pets`, { name: 'Hoje', species: 'dog', birth_date: dawn.slice(0, 10) });
    app.clock.set(dawn);
    expect((await born()).status).toBe(201);
    await app.call('PATCH', '/api/settings/profile', { timezone: 'America/Rio_Branco' });
    expect(faults(await born())).toEqual(['birth_date']);
    await app.call('PATCH', '/api/settings/profile', { timezone: 'America/Sao_Paulo' });
  });

  test('unknown ids are 404, known external ids 409 with the id', async () => {
    const ana = await tutor();
    const nobody = newId();
    for (const [method, path, body] of [
      ['GET', `/api/tutors/${nobody}/pets`],
      ['POST', `/api/tutors/${nobody}/pets`, { name: 'Rex', species: 'dog' }],
      ['GET', `/api/pets/${nobody}`],
      ['PATCH', `/api/pets/${nobody}`, { name: 'Rex' }],
      ['DELETE', `/api/pets/${nobody}`],
      ['GET', `/api/pets/${nobody}/guardians`],
      ['POST', `/api/pets/${nobody}/guardians`, { person_id: ana }],
      ['DELETE', `/api/pets/${nobody}/guardians/${ana}`],
      ['GET', '/api/pets/not-an-id'],
    ] as const) {
      const answer = await app.call(method, path, body);
      expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 404, 'NOT_FOUND']);
    }
    const first = await pet(ana, { external_id: `x-${ana}` });
    const second = await app.call('POST', `/api/tutors/${ana}/pets`, { name: 'Rex', species: 'dog', external_id: `x-${ana}` });
    expect([second.status, second.body.code, second.body.details]).toEqual([409, 'ALREADY_EXISTS', { id: first.id }]);
    const other = await pet(ana);
    const patched = await app.call('PATCH', `/api/pets/${other.id}`, { external_id: `x-${ana}` });
    expect([patched.status, patched.body.code, patched.body.details]).toEqual([409, 'ALREADY_EXISTS', { id: first.id }]);
  });

  test('a change keeps what it does not name, counts versions, and honours If-Match', async () => {
    const mel = await pet(await tutor(), { coat: 'longa', weight_kg: 10 });
    const changed = await app.call('PATCH', `/api/pets/${mel.id}`, { weight_kg: 10.5, coat: null }, { 'if-match': '1' });
    expect(changed.body.data).toMatchObject({ name: 'Rex', weight_kg: 10.5, coat: null, version: 2 });
    const stale = await app.call('PATCH', `/api/pets/${mel.id}`, { name: 'Outro' }, { 'if-match': '1' });
    expect([stale.status, stale.body.code]).toEqual([412, 'VERSION_MISMATCH']);
    expect((await app.call('DELETE', `/api/pets/${mel.id}`, undefined, { 'if-match': '1' })).status).toBe(412);
    expect((await app.call('PATCH', `/api/pets/${mel.id}`, {})).status).toBe(422);
    expect((await app.call('GET', `/api/pets/${mel.id}`)).body.data).toEqual(changed.body.data);
  });

  test('a death is told once, and can be undone', async () => {
    const rex = await pet(await tutor());
    const died = await app.call('PATCH', `/api/pets/${rex.id}`, { deceased: true });
    expect(died.body.data.deceased_at).toMatch(/^20.*Z$/);
    expect(await lastEvent(rex.id)).toMatchObject({ type: 'pet.deceased' });
    const again = await app.call('PATCH', `/api/pets/${rex.id}`, { deceased: true });
    expect(again.body.data.deceased_at).toBe(died.body.data.deceased_at);
    expect(await lastEvent(rex.id)).toMatchObject({ type: 'pet.changed' });
    expect((await app.call('PATCH', `/api/pets/${rex.id}`, { deceased: false })).body.data.deceased_at).toBeNull();
  });

  test('lists page without gaps, leave archived pets out, and follow changes', async () => {
    const ana = await tutor();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await pet(ana, { name: `Pet ${i}` })).id);
    await app.call('PATCH', `/api/pets/${ids[1]}`, { archived: true });
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await app.call('GET', `/api/tutors/${ana}/pets?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.body.data.map((row: { id: string }) => row.id));
      cursor = page.body.meta.next_cursor ?? '';
    } while (cursor);
    expect(seen).toEqual([ids[4], ids[3], ids[2], ids[0]]);
    const archived = await app.call('GET', `/api/tutors/${ana}/pets?archived=true`);
    expect(archived.body.data.map((row: { id: string }) => row.id)).toEqual([ids[1]]);
    const since = await app.call('GET', `/api/tutors/${ana}/pets?updated_since=${archived.body.data[0].updated_at}`);
    expect(since.body.data.at(-1).id).toBe(ids[1]);
    expect((await app.call('PATCH', `/api/pets/${ids[1]}`, { archived: false })).body.data.archived_at).toBeNull();
  });

  test('guardians see the pet in their own view, and every change of it, at once', async () => {
    const [ana, bia] = [await tutor(), await tutor('Bia')];
    const rex = await pet(ana);
    expect((await view(bia)).pets).toEqual([]);
    const added = await app.call('POST', `/api/pets/${rex.id}/guardians`, { person_id: bia, role: 'avó' });
    expect([added.status, added.body.data]).toEqual([201, expect.objectContaining({ pet_id: rex.id, person_id: bia, role: 'avó', name: 'Bia' })]);
    expect((await view(bia)).pets).toMatchObject([{ id: rex.id, relation: 'avó', tutor_id: ana }]);
    await app.call('PATCH', `/api/pets/${rex.id}`, { name: 'Rex II' });
    expect((await view(bia)).pets).toMatchObject([{ name: 'Rex II' }]);
    expect((await view(ana)).pets).toMatchObject([{ name: 'Rex II', relation: 'tutor' }]);
    expect((await app.call('GET', `/api/pets/${rex.id}/guardians`)).body).toMatchObject({ data: [{ person_id: bia }], meta: { next_cursor: null } });
    const twice = await app.call('POST', `/api/pets/${rex.id}/guardians`, { person_id: bia });
    expect([twice.status, twice.body.code]).toEqual([409, 'ALREADY_EXISTS']);
    for (const person_id of [ana, newId()]) expect(faults(await app.call('POST', `/api/pets/${rex.id}/guardians`, { person_id }))).toEqual(['person_id']);
    expect((await app.call('DELETE', `/api/pets/${rex.id}/guardians/${bia}`)).status).toBe(204);
    expect((await app.call('DELETE', `/api/pets/${rex.id}/guardians/${bia}`)).status).toBe(404);
    expect((await view(bia)).pets).toEqual([]);
  });

  test('whoever becomes a guardian while the pet changes does not keep an old view', async () => {
    const ana = await tutor();
    const rex = await pet(ana);
    const guardians = await Promise.all(Array.from({ length: 6 }, () => tutor()));
    await Promise.all(
      guardians.flatMap((person_id, i) => [
        app.call('POST', `/api/pets/${rex.id}/guardians`, { person_id }).then(() => view(person_id)),
        app.call('PATCH', `/api/pets/${rex.id}`, { name: `Rex ${i}` }),
      ]),
    );
    const { name, version } = (await app.call('GET', `/api/pets/${rex.id}`)).body.data;
    for (const id of guardians) expect((await view(id)).pets).toMatchObject([{ name, version }]);
  });

  test('a pet moves to another tutor, who then is no guardian any more', async () => {
    const [ana, bia] = [await tutor(), await tutor('Bia')];
    const rex = await pet(ana);
    await app.call('POST', `/api/pets/${rex.id}/guardians`, { person_id: bia });
    await Promise.all([view(ana), view(bia)]);
    expect(faults(await app.call('PATCH', `/api/pets/${rex.id}`, { tutor_id: newId() }))).toEqual(['tutor_id']);
    const moved = await app.call('PATCH', `/api/pets/${rex.id}`, { tutor_id: bia });
    expect(moved.body.data.tutor_id).toBe(bia);
    expect((await view(ana)).pets).toEqual([]);
    expect((await view(bia)).pets).toMatchObject([{ id: rex.id, relation: 'tutor' }]);
    expect((await app.call('GET', `/api/pets/${rex.id}/guardians`)).body.data).toEqual([]);
  });

  test('a pet with a visit stays; one without goes, with its guardians', async () => {
    const [ana, bia] = [await tutor(), await tutor('Bia')];
    const [visited, free] = [await pet(ana), await pet(ana)];
    const [service, at] = [newId(), '2027-02-03T13:00:00.000Z'];
    await app.db.run(
      sql`insert into services (id, name, duration_minutes, price_cents, created_at, updated_at) values (${service}, 'Banho', 60, 5000, ${at}, ${at})`,
    );
    await app.db.run(sql`
      insert into appointments (id, tutor_id, pet_id, service_id, status, starts_at, ends_at, created_at, updated_at)
      values (${newId()}, ${ana}, ${visited.id}, ${service}, 'scheduled', ${at}, ${'2027-02-03T14:00:00.000Z'}, ${at}, ${at})`);
    const refused = await app.call('DELETE', `/api/pets/${visited.id}`);
    expect([refused.status, refused.body.code, refused.body.details.archive]).toEqual([409, 'IN_USE', `PATCH /api/pets/${visited.id} {"archived": true}`]);
    await app.call('POST', `/api/pets/${free.id}/guardians`, { person_id: bia });
    expect((await app.call('DELETE', `/api/pets/${free.id}`)).status).toBe(204);
    expect((await app.call('GET', `/api/pets/${free.id}`)).status).toBe(404);
    expect((await view(bia)).pets).toEqual([]);
    expect((await view(ana)).pets).toMatchObject([{ id: visited.id }]);
  });

  test('an Idempotency-Key makes a retried pet one pet', async () => {
    const ana = await tutor();
    const once = () => app.call('POST', `/api/tutors/${ana}/pets`, { name: 'Rex', species: 'dog' }, { 'idempotency-key': `pet-${ana}` });
    const [first, second] = [await once(), await once()];
    expect(second.text).toBe(first.text);
    expect((await app.call('GET', `/api/tutors/${ana}/pets`)).body.data).toHaveLength(1);
  });

  test('reading needs customers:read, writing customers:write', async () => {
    const ana = await tutor();
    const reader = await app.as({ scopes: ['customers:read'] });
    expect((await reader('GET', `/api/tutors/${ana}/pets`)).status).toBe(200);
    expect((await reader('POST', `/api/tutors/${ana}/pets`, { name: 'Rex', species: 'dog' })).status).toBe(403);
  });
});
