import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, make, makePet, makeService, makeTutor, openClinic, type Row } from '../../../test/support/clinic.ts';

describe.each(modes)('names that others see in visits on $engine + $cache', (mode) => {
  let app: TestApp;
  let service: Row;
  let booked = 0;
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
    service = await makeService(app, { duration_minutes: 30 });
  });
  afterAll(() => app.close());

  const visit = (tutor: Row, pet: Row): Promise<Row> => {
    const time = `${8 + Math.floor(booked / 2)}:${booked++ % 2 === 0 ? '00' : '30'}`;
    return book(app, { tutor_id: tutor.id, pet_id: pet.id, service_id: service.id, starts_at: at('2027-06-02', time.padStart(5, '0')) });
  };
  /** What the person's cached view says of the visits to come. */
  const seen = async (person: Row) => {
    const { body, headers } = await app.call('GET', `/api/customers/${person.id}`);
    return { cache: headers.get('x-cache'), names: body.data.next_visits.map((row: Row) => [row.tutor_name, row.pet_name]) };
  };
  const day = async (tutor: Row, { starts_at }: Row) => {
    const date = starts_at.slice(0, 10);
    const { body, headers } = await app.call('GET', `/api/appointments?tutor_id=${tutor.id}&from=${date}&to=${date}`);
    return { cache: headers.get('x-cache'), names: body.data.map((row: Row) => [row.tutor_name, row.pet_name]) };
  };
  const guard = (pet: Row, person: Row) => make(app, 'POST', `/api/pets/${pet.id}/guardians`, { person_id: person.id });
  const erase = async (person: Row) => {
    const ask = () => app.call('DELETE', `/api/customers/${person.id}?erase=true`);
    for (let answer = await ask(); answer.body.data.job.status !== 'done'; answer = await ask()) await sleep(20);
  };

  test('a pet that moved away is renamed: who booked it before sees its new name', async () => {
    const [ana, bia] = [await makeTutor(app), await makeTutor(app)];
    const pet = await makePet(app, ana.id, { name: 'Totó' });
    const row = await visit(ana, pet);
    await make(app, 'PATCH', `/api/pets/${pet.id}`, { tutor_id: bia.id });
    for (const look of [() => seen(ana), () => day(ana, row)]) {
      await look();
      expect(await look()).toEqual({ cache: 'HIT', names: [[ana.name, 'Totó']] });
    }
    await make(app, 'PATCH', `/api/pets/${pet.id}`, { name: 'Renomeado' });
    for (const look of [() => seen(ana), () => day(ana, row)]) expect(await look()).toEqual({ cache: 'MISS', names: [[ana.name, 'Renomeado']] });
  });

  test('a guardian who booked is renamed, by either call: the tutor sees the new name', async () => {
    const [tutor, guardian, aunt] = [await makeTutor(app), await makeTutor(app), await makeTutor(app)];
    const pet = await makePet(app, tutor.id);
    for (const person of [guardian, aunt]) await guard(pet, person);
    await visit(guardian, pet);
    for (const [path, name] of [
      ['tutors', 'Guarda Nova'],
      ['customers', 'Guarda Novíssima'],
    ] as const) {
      for (const person of [tutor, aunt]) await seen(person);
      const answer = await app.call('PATCH', `/api/${path}/${guardian.id}`, { name });
      expect([answer.status, answer.body.data.name]).toEqual([200, name]);
      for (const person of [tutor, aunt, guardian]) expect((await seen(person)).names).toEqual([[name, 'Thor']]);
    }
    const profile = await app.call('GET', `/api/tutors/${guardian.id}`);
    expect(profile.body.data).toMatchObject({ name: 'Guarda Novíssima', version: 3 });
    const stale = await app.call('PATCH', `/api/tutors/${guardian.id}`, { name: 'X' }, { 'if-match': '1' });
    expect([stale.status, stale.body.code]).toEqual([412, 'VERSION_MISMATCH']);
  });

  test('who is no guardian any more still sees the pet in the visits they booked, by its name of today', async () => {
    const [tutor, guardian] = [await makeTutor(app), await makeTutor(app)];
    const pet = await makePet(app, tutor.id, { name: 'Nina' });
    await guard(pet, guardian);
    await visit(guardian, pet);
    await app.call('DELETE', `/api/pets/${pet.id}/guardians/${guardian.id}`);
    expect((await seen(guardian)).names).toEqual([[guardian.name, 'Nina']]);
    await make(app, 'PATCH', `/api/pets/${pet.id}`, { name: 'Nina Nova' });
    expect((await seen(guardian)).names).toEqual([[guardian.name, 'Nina Nova']]);
  });

  test('an erasure takes the pet’s name out of the views of all who booked it', async () => {
    const [ana, bia] = [await makeTutor(app), await makeTutor(app)];
    const pet = await makePet(app, ana.id, { name: 'Canário' });
    const row = await visit(ana, pet);
    await make(app, 'PATCH', `/api/pets/${pet.id}`, { tutor_id: bia.id });
    for (const look of [seen(ana), day(ana, row)]) expect((await look).names).toEqual([[ana.name, 'Canário']]);
    await erase(bia);
    for (const look of [seen(ana), day(ana, row)]) expect((await look).names).toEqual([[ana.name, 'Pet']]);
  });

  test('a merge that gives a nameless customer a name shows where they booked another’s pet', async () => {
    const [tutor, named] = [await makeTutor(app), await makeTutor(app)];
    const nameless = await make(app, 'POST', '/api/customers', { external_id: 'sem-nome' });
    const pet = await makePet(app, tutor.id);
    await guard(pet, nameless);
    await visit(nameless, pet);
    expect((await seen(tutor)).names).toEqual([[null, 'Thor']]);
    await make(app, 'POST', `/api/customers/${nameless.id}/merge`, { from_id: named.id });
    expect((await seen(tutor)).names).toEqual([[named.name, 'Thor']]);
  });

  test('who comes to see the pet while its visitor is being renamed, merged or the pet changed, sees the outcome', async () => {
    const [tutor, guardian] = [await makeTutor(app), await makeTutor(app)];
    const pet = await makePet(app, tutor.id);
    await guard(pet, guardian);
    await visit(guardian, pet);
    for (let round = 0; round < 4; round++) {
      const aunt = await makeTutor(app);
      const [name, petName] = [`Guarda ${round}`, `Thor ${round}`];
      await Promise.all([
        make(app, 'PATCH', `/api/tutors/${guardian.id}`, { name }),
        guard(pet, aunt).then(() => seen(aunt)),
        make(app, 'PATCH', `/api/pets/${pet.id}`, { name: petName }),
      ]);
      for (const person of [tutor, guardian, aunt]) expect((await seen(person)).names).toEqual([[name, petName]]);
    }
  });

  test('a renaming that waited touches also who came meanwhile', async () => {
    const [tutor, guardian, aunt] = [await makeTutor(app), await makeTutor(app), await makeTutor(app)];
    const pet = await makePet(app, tutor.id);
    await guard(pet, guardian);
    await visit(guardian, pet);
    let renaming: Promise<Row> | undefined;
    const held = app.db.tx(async (tx) => {
      await tx.run(sql`update tutors set notes = 'ocupada' where id = ${guardian.id}`);
      renaming = make(app, 'PATCH', `/api/tutors/${guardian.id}`, { name: 'Enfim' });
      await sleep(150);
      // Where one writer holds everything, nobody can come meanwhile.
      if (app.db.engine === 'sqlite') return;
      await guard(pet, aunt);
      expect((await seen(aunt)).names).toEqual([[guardian.name, 'Thor']]);
    });
    await held;
    await renaming;
    if (app.db.engine === 'sqlite') await guard(pet, aunt);
    for (const person of [aunt, tutor]) expect((await seen(person)).names).toEqual([['Enfim', 'Thor']]);
  });

  test('a change of a tutor that renames nobody stays one statement where the engine can', async () => {
    const tutor = await makeTutor(app);
    await app.call('PATCH', `/api/tutors/${tutor.id}`, { notes: 'a' });
    app.statements();
    await app.call('PATCH', `/api/tutors/${tutor.id}`, { notes: 'b' });
    const own = app.statements().filter(({ text }) => /tutors|audit_log/.test(text));
    // Without writable CTEs: the change, its audit row, and the answer read from it.
    expect(own).toHaveLength(app.db.dialect.writableCtes ? 1 : 3);
  });
});
