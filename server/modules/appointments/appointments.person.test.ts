import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addMs } from '#platform/clock';
import { sql } from '#platform/db/sql';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, make, makeService, makeTutor, makeVisitor, openClinic, type Row } from '../../../test/support/clinic.ts';

describe.each(modes)('what visits hold about a person on $engine + $cache', (mode) => {
  let app: TestApp;
  let service: Row;
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
    service = await makeService(app);
  });
  afterAll(() => app.close());

  const view = async (id: string) => {
    const { headers, body } = await app.call('GET', `/api/customers/${id}`);
    return { cache: headers.get('x-cache'), next: body.data.next_visits.map((row: Row) => row.id) };
  };

  test('the customer’s view has the next five visits, a guardian’s too, as fresh as the last change', async () => {
    const { tutor, pet, ids } = await makeVisitor(app);
    const aunt = await makeTutor(app);
    await make(app, 'POST', `/api/pets/${pet.id}/guardians`, { person_id: aunt.id });
    const rows = [];
    for (const day of ['02', '03', '04', '05', '09', '10'])
      rows.push((await book(app, { ...ids, service_id: service.id, starts_at: at(`2027-02-${day}`, '08:00') })).id);
    for (const { id } of [tutor, aunt]) {
      expect(await view(id)).toEqual({ cache: 'MISS', next: rows.slice(0, 5) });
      expect((await view(id)).cache).toBe('HIT');
    }
    await make(app, 'PATCH', `/api/appointments/${rows[0]}`, { status: 'cancelled' });
    for (const { id } of [tutor, aunt]) expect(await view(id)).toEqual({ cache: 'MISS', next: rows.slice(1) });
    await app.call('DELETE', `/api/appointments/${rows[1]}`);
    for (const { id } of [tutor, aunt]) expect(await view(id)).toEqual({ cache: 'MISS', next: rows.slice(2) });
  });

  test('time alone takes a visit that has begun out of the cached view, and a hold that ran out', async () => {
    const { tutor, ids } = await makeVisitor(app);
    app.clock.set('2027-02-01T12:59:58.800Z');
    const soon = await book(app, { ...ids, service_id: service.id, starts_at: '2027-02-01T13:00:00.000Z' });
    const held = await book(app, { ...ids, service_id: service.id, starts_at: at('2027-02-11', '08:00') });
    const later = await book(app, { ...ids, service_id: service.id, starts_at: at('2027-02-12', '08:00') });
    expect((await view(tutor.id)).next).toEqual([soon.id, held.id, later.id]);
    await sleep(1_400);
    expect(await view(tutor.id)).toEqual({ cache: 'MISS', next: [held.id, later.id] });
    expect((await view(tutor.id)).cache).toBe('HIT');

    // By the database's clock, which stands elsewhere than the clinic's.
    await app.db.run(
      sql`update appointments set status = 'pending', hold_reason = 'proposal', hold_expires_at = ${addMs(new Date().toISOString(), 1_000)} where id = ${held.id}`,
    );
    await make(app, 'PATCH', `/api/appointments/${later.id}`, { notes: 'x' });
    const whole = await app.call('GET', `/api/customers/${tutor.id}`);
    expect(whole.body.data).not.toHaveProperty('fresh_until');
    expect(whole.body.data.next_visits[0]).not.toHaveProperty('held_seconds');
    expect((await view(tutor.id)).next).toEqual([held.id, later.id]);
    await sleep(1_200);
    expect(await view(tutor.id)).toEqual({ cache: 'MISS', next: [later.id] });
    expect((await view(tutor.id)).cache).toBe('HIT');
  });

  test('who became a guardian while a visit was being booked sees it', async () => {
    const { pet, ids } = await makeVisitor(app);
    for (let round = 0; round < 5; round++) {
      const aunt = await makeTutor(app);
      const [row] = await Promise.all([
        book(app, { ...ids, service_id: service.id, starts_at: at('2027-06-01', `1${round}:00`) }),
        make(app, 'POST', `/api/pets/${pet.id}/guardians`, { person_id: aunt.id }).then(() => view(aunt.id)),
      ]);
      expect((await view(aunt.id)).next).toContain(row.id);
    }
  });

  test('an export holds every visit', async () => {
    const { tutor, ids } = await makeVisitor(app);
    const row = await book(app, { ...ids, service_id: service.id, starts_at: at('2027-03-01', '08:00'), notes: 'alergia' });
    const { body } = await app.call('GET', `/api/customers/${tutor.id}/export`);
    expect(body.data.appointments).toEqual({ appointments: [row] });
  });

  test('a merge hands the visits over', async () => {
    const [from, into] = [await makeVisitor(app), await makeVisitor(app)];
    const row = await book(app, { ...from.ids, service_id: service.id, starts_at: at('2027-03-02', '08:00') });
    expect((await view(into.tutor.id)).next).toEqual([]);
    const merged = await app.call('POST', `/api/customers/${into.tutor.id}/merge`, { from_id: from.tutor.id });
    expect(merged.status, merged.text).toBeLessThan(300);
    expect((await app.call('GET', `/api/appointments/${row.id}`)).body.data).toMatchObject({
      tutor_id: into.tutor.id,
      tutor_name: into.tutor.name,
      version: 2,
    });
    expect((await view(into.tutor.id)).next).toEqual([row.id]);
  });

  test('an erasure frees what is to come and forgets every word, leaving that somebody came', async () => {
    const { tutor, ids } = await makeVisitor(app);
    const past = await book(app, { ...ids, service_id: service.id, starts_at: at('2027-03-03', '08:00'), notes: 'canário', external_id: 'canário-1' });
    await app.db.run(
      sql`update appointments set status = 'completed', starts_at = ${at('2026-03-03', '08:00')}, ends_at = ${at('2026-03-03', '09:00')} where id = ${past.id}`,
    );
    const next = await book(app, { ...ids, service_id: service.id, starts_at: at('2027-03-04', '08:00'), notes: 'canário' });
    const gone = await book(app, { ...ids, service_id: service.id, starts_at: at('2027-03-05', '08:00') });
    await make(app, 'PATCH', `/api/appointments/${gone.id}`, { status: 'cancelled', cancel_reason: 'canário' });

    const erase = () => app.call('DELETE', `/api/customers/${tutor.id}?erase=true`);
    await erase();
    // The clinic's clock stands in 2027 and the database's does not: to it the job is not due yet.
    await app.db.run(sql`update jobs set run_at = '2020-01-01T00:00:00.000Z' where kind = 'person.erase'`);
    for (let answer = await erase(); answer.body.data.job.status !== 'done'; answer = await erase()) await sleep(50);

    const rows = await app.db.all<Row>(sql`select id, status, notes, cancel_reason, external_id from appointments where tutor_id = ${tutor.id} order by id`);
    expect(rows).toEqual(
      [past.id, next.id, gone.id].map((id, i) => ({ id, status: i === 0 ? 'completed' : 'cancelled', notes: null, cancel_reason: null, external_id: null })),
    );
    const changes = await app.db.all<Row>(sql`select changes from audit_log where person_id = ${tutor.id} and changes is not null`);
    expect(changes).toEqual([]);
    const other = await makeVisitor(app);
    await book(app, { ...other.ids, service_id: service.id, starts_at: next.starts_at });
  });
});
