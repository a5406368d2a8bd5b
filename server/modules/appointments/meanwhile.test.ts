import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sql, sql } from '#platform/db/sql';
import { type Answer, modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, makeResource, makeService, makeTutor, makeVisitor, openClinic, type Row } from '../../../test/support/clinic.ts';

const STAMP = '2027-02-01T11:46:00.000Z';

describe.each(modes)('what changes while a visit is being booked, on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
  });
  afterAll(() => app.close());

  /** Another's change, not yet committed when the request has looked at everything, and committed before it can write. */
  async function meanwhile(change: Sql, request: () => Promise<Answer>): Promise<Answer> {
    const [changed, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const other = app.db.tx(async (tx) => {
      await tx.run(change);
      changed.resolve();
      await goOn.promise;
    });
    await changed.promise;
    const answer = request();
    await sleep(250);
    goOn.resolve();
    await other;
    return answer;
  }

  interface Scene {
    ids: { tutor_id: string; pet_id: string };
    service: Row;
    wish: Row;
  }

  async function scene(more: object = {}): Promise<Scene> {
    const { ids } = await makeVisitor(app);
    const service = await makeService(app, more);
    return { ids, service, wish: { ...ids, service_id: service.id, starts_at: at('2027-02-03', '09:00') } };
  }

  const erased = ({ ids }: Scene) => sql`update tutors set name = null, archived_at = ${STAMP}, erased_at = ${STAMP} where id = ${ids.tutor_id}`;
  const tutorArchived = ({ ids }: Scene) => sql`update tutors set archived_at = ${STAMP} where id = ${ids.tutor_id}`;
  const died = ({ ids }: Scene) => sql`update pets set deceased_at = ${STAMP} where id = ${ids.pet_id}`;
  const petArchived = ({ ids }: Scene) => sql`update pets set archived_at = ${STAMP} where id = ${ids.pet_id}`;
  const serviceArchived = ({ service }: Scene) => sql`update services set archived_at = ${STAMP} where id = ${service.id}`;
  const resourceArchived = ({ service }: Scene) => sql`update resources set archived_at = ${STAMP} where id = ${service.resources[0].id}`;

  const post = (body: object) => app.call('POST', '/api/appointments', body);
  const patch = (id: string, body: object) => app.call('PATCH', `/api/appointments/${id}`, body);
  const read = async (id: string) => (await app.call('GET', `/api/appointments/${id}`)).body.data;
  const visitsOf = ({ ids }: Scene) => app.db.all(sql`select id from appointments where pet_id = ${ids.pet_id}`);
  function expectRefused(answer: Answer, field: string): void {
    expect([answer.status, answer.body.code], answer.text).toEqual([422, 'VALIDATION_FAILED']);
    expect(answer.body.details.fields[0].field).toBe(field);
  }

  test.each([
    ['the tutor was erased', erased, 'tutor_id'],
    ['the tutor was archived', tutorArchived, 'tutor_id'],
    ['the pet died', died, 'pet_id'],
    ['the pet was archived', petArchived, 'pet_id'],
    ['the service was archived', serviceArchived, 'service_id'],
  ])('no booking when %s', async (_, change, field) => {
    const on = await scene();
    expectRefused(await meanwhile(change(on), () => post(on.wish)), field);
    expect(await visitsOf(on)).toEqual([]);
  });

  test('no booking when the pet went to another', async () => {
    const on = await scene();
    const { id } = await makeTutor(app);
    const answer = await meanwhile(sql`update pets set tutor_id = ${id} where id = ${on.ids.pet_id}`, () => post(on.wish));
    expectRefused(answer, 'pet_id');
    expect(await visitsOf(on)).toEqual([]);
  });

  test('no place on a resource that was archived, and none on a unit it no longer has', async () => {
    const on = await scene();
    const archived = await meanwhile(resourceArchived(on), () => post(on.wish));
    expect([archived.status, archived.body.code]).toEqual([409, 'SLOT_TAKEN']);

    const tub = await makeResource(app, { capacity: 2 });
    const full = await scene({ resources: [tub.id] });
    const moving = await book(app, { ...full.wish, starts_at: at('2027-02-03', '11:00') });
    await book(app, full.wish);
    for (const request of [() => post(full.wish), () => patch(moving.id, { starts_at: full.wish.starts_at })]) {
      const lowered = await meanwhile(sql`update resources set capacity = 1 where id = ${tub.id}`, request);
      expect([lowered.status, lowered.body.code]).toEqual([409, 'SLOT_TAKEN']);
      await app.db.run(sql`update resources set capacity = 2 where id = ${tub.id}`);
    }
    expect(await read(moving.id)).toEqual(moving);
  });

  test('one of several goes: the visit takes the other', async () => {
    const [first, second] = [await makeResource(app), await makeResource(app)];
    const on = await scene({ resources: [first.id, second.id] });
    const answer = await meanwhile(resourceArchived(on), () => post(on.wish));
    expect([answer.status, answer.body.data.resources]).toEqual([201, [{ id: second.id, name: second.name, unit: 1 }]]);
  });

  test('a capacity is lowered or the place is booked, never both', async () => {
    const { ids } = await makeVisitor(app);
    for (let round = 0; round < 12; round++) {
      const tub = await makeResource(app, { capacity: 2 });
      const service = await makeService(app, { resources: [tub.id] });
      const wish = { ...ids, service_id: service.id, starts_at: at('2027-02-04', '09:00') };
      await book(app, wish);
      const [booked, lowered] = await Promise.all([post(wish), app.call('PATCH', `/api/resources/${tub.id}`, { capacity: 1 })]);
      expect([
        [201, 409],
        [409, 200],
      ]).toContainEqual([booked.status, lowered.status]);
    }
    const over = await app.db.all(
      sql`select r.id from appointment_resources o join resources r on r.id = o.resource_id where o.active and o.unit > r.capacity`,
    );
    expect(over).toEqual([]);
  });

  async function hold(on: Scene): Promise<Row> {
    const row = await book(app, on.wish);
    await app.db.run(sql`update appointments set status = 'pending', hold_reason = 'request', hold_expires_at = null where id = ${row.id}`);
    return row;
  }

  test.each([
    ['the tutor was archived', tutorArchived, 'tutor_id'],
    ['the pet died', died, 'pet_id'],
  ])('no hold becomes a booking when %s, by either call', async (_, change, field) => {
    for (const approve of [(row: Row, on: Scene) => post({ ...on.wish, hold_id: row.id }), (row: Row) => patch(row.id, { status: 'scheduled' })]) {
      const on = await scene();
      const row = await hold(on);
      expectRefused(await meanwhile(change(on), () => approve(row, on)), field);
      expect((await read(row.id)).status).toBe('pending');
    }
  });

  test('no visit is moved for a pet that has died, nor to a service that was archived', async () => {
    const on = await scene();
    const row = await book(app, on.wish);
    const later = { starts_at: at('2027-02-03', '14:00') };
    const other = await scene();
    expectRefused(await meanwhile(serviceArchived(other), () => patch(row.id, { ...later, service_id: other.service.id })), 'service_id');
    expectRefused(await meanwhile(died(on), () => patch(row.id, later)), 'pet_id');
    expectRefused(await patch(row.id, later), 'pet_id');
    expect(await read(row.id)).toEqual(row);
    expect((await patch(row.id, { status: 'cancelled' })).status).toBe(200);
  });
});
