import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, makePet, makeService, makeVisitor, openClinic, type Row } from '../../../test/support/clinic.ts';

const [OVER, OPEN] = ['2020-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z'];

describe.each(modes)('held times on $engine + $cache', (mode) => {
  let app: TestApp;
  let service: Row;
  let owner: Row;
  let hour = 0;
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
    service = await makeService(app);
    owner = await makeVisitor(app);
  });
  afterAll(() => app.close());

  /** A pending appointment at a time of its own, as `POST /holds` will make them. */
  async function hold(expires: string | null, reason = 'proposal'): Promise<Row> {
    const starts_at = at(
      `2027-03-${String(1 + Math.floor(hour / 10) + Math.floor(hour / 50) * 2).padStart(2, '0')}`,
      `${String(8 + (hour++ % 10)).padStart(2, '0')}:00`,
    );
    const row = await book(app, { ...owner.ids, service_id: service.id, starts_at });
    await app.db.run(
      sql`update appointments set status = 'pending', hold_reason = ${reason}, hold_expires_at = ${expires}, price_cents = 5500 where id = ${row.id}`,
    );
    return row;
  }

  const wishOf = (row: Row) => ({ tutor_id: row.tutor_id, pet_id: row.pet_id, service_id: row.service_id, starts_at: row.starts_at, hold_id: row.id });
  const post = (body: object) => app.call('POST', '/api/appointments', body);

  test.each([
    [OPEN, 'proposal'],
    [null, 'request'],
  ])('one that stands (until %s) becomes the booking, at the price that was told', async (expires, reason) => {
    const row = await hold(expires, reason);
    expect((await post({ ...wishOf(row), hold_id: null })).body.code).toBe('SLOT_TAKEN');
    const answer = await post({ ...wishOf(row), notes: 'confirmado' });
    expect([answer.status, answer.body.data]).toEqual([
      201,
      { ...row, status: 'scheduled', price_cents: 5500, notes: 'confirmado', version: 2, updated_at: expect.any(String) },
    ]);
    const again = await post(wishOf(row));
    expect([again.status, again.body.code]).toEqual([409, 'HOLD_EXPIRED']);
  });

  test('many at once: one turns it into the booking', async () => {
    const row = await hold(OPEN);
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(wishOf(row))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  });

  test('one that ran out is no booking, by either call, but can be cancelled', async () => {
    const row = await hold(OVER);
    const answer = await post(wishOf(row));
    expect([answer.status, answer.body.code]).toEqual([409, 'HOLD_EXPIRED']);
    const approved = await app.call('PATCH', `/api/appointments/${row.id}`, { status: 'scheduled' });
    expect([approved.status, approved.body.code]).toEqual([409, 'HOLD_EXPIRED']);
    const moved = await app.call('PATCH', `/api/appointments/${row.id}`, { starts_at: at('2027-04-01', '08:00') });
    expect([moved.status, moved.body.code]).toEqual([409, 'HOLD_EXPIRED']);
    expect((await app.call('PATCH', `/api/appointments/${row.id}`, { status: 'cancelled' })).body.data).toMatchObject({
      status: 'cancelled',
      hold_reason: null,
      hold_expires_at: null,
    });
  });

  test('is of its tutor, pet, service, time and resource only', async () => {
    const row = await hold(OPEN);
    const stranger = await makeVisitor(app);
    const second = await makePet(app, owner.tutor.id);
    const twin = await makeService(app, { resources: [service.resources[0].id] });
    const table: [object, string][] = [
      [stranger.ids, 'hold_id'],
      [{ pet_id: second.id }, 'pet_id'],
      [{ service_id: twin.id }, 'service_id'],
      [{ starts_at: at('2027-03-25', '08:00') }, 'starts_at'],
      [{ resource_id: second.id }, 'resource_id'],
    ];
    for (const [more, field] of table) {
      const answer = await post({ ...wishOf(row), ...more });
      expect([answer.status, answer.body.details.fields[0].field], field).toEqual([422, field]);
    }
  });

  test('staff approve it by its status', async () => {
    const row = await hold(null, 'request');
    const answer = await app.call('PATCH', `/api/appointments/${row.id}`, { status: 'scheduled' });
    expect(answer.body.data).toMatchObject({ status: 'scheduled', hold_reason: null, hold_expires_at: null });
  });

  test('one that ran out is offered and taken by another; its owner’s day shows it cancelled', async () => {
    const row = await hold(OVER);
    const day = row.starts_at.slice(0, 10);
    const ownersDay = () => app.call('GET', `/api/appointments?tutor_id=${owner.tutor.id}&from=${day}&to=${day}`);
    const statusIn = (answer: Row) => answer.body.data.find(({ id }: Row) => id === row.id).status;
    expect(statusIn(await ownersDay())).toBe('pending');
    expect((await ownersDay()).headers.get('x-cache')).toBe('HIT');
    const offered = await app.call('GET', `/api/appointments/availability?service_id=${service.id}&from=${day}&to=${day}`);
    expect(offered.body.data.map(({ starts_at }: Row) => starts_at)).toContain(row.starts_at);

    const other = await makeVisitor(app);
    await book(app, { ...other.ids, service_id: service.id, starts_at: row.starts_at });
    const after = await ownersDay();
    expect([after.headers.get('x-cache'), statusIn(after)]).toEqual(['MISS', 'cancelled']);
    expect((await app.call('GET', `/api/appointments/${row.id}`)).body.data).toMatchObject({
      status: 'cancelled',
      cancel_reason: 'hold_expired',
      hold_expires_at: null,
      hold_reason: null,
      version: 2,
    });
    expect(await app.db.all(sql`select action from audit_log where entity_id = ${row.id} order by id`)).toEqual([{ action: 'created' }, { action: 'expired' }]);
  });

  test('one that ran out makes way though a payment hangs on it', async () => {
    const [taken, movedOnto] = [await hold(OVER, 'deposit'), await hold(OVER, 'deposit')];
    for (const row of [taken, movedOnto])
      await app.db.run(
        sql`insert into payments (id, appointment_id, method, status, amount_cents, created_at, updated_at) values (${newId()}, ${row.id}, 'pix', 'pending', 100, ${app.clock.now()}, ${app.clock.now()})`,
      );
    const other = await makeVisitor(app);
    const mine = await book(app, { ...other.ids, service_id: service.id, starts_at: taken.starts_at });
    expect(mine.resources).toEqual(taken.resources);
    expect((await app.call('PATCH', `/api/appointments/${mine.id}`, { starts_at: movedOnto.starts_at })).status).toBe(200);
    const left = await app.db.all(sql`
      select a.status, o.active, p.status as payment from appointments a
      join appointment_resources o on o.appointment_id = a.id join payments p on p.appointment_id = a.id`);
    expect(left).toEqual([taken, movedOnto].map(() => ({ status: 'cancelled', active: false, payment: 'pending' })));
  });

  test('a visit may move onto one that ran out, not onto one that stands', async () => {
    const [over, open] = [await hold(OVER), await hold(OPEN)];
    const mine = await book(app, { ...owner.ids, service_id: service.id, starts_at: at('2027-03-30', '08:00') });
    const refused = await app.call('PATCH', `/api/appointments/${mine.id}`, { starts_at: open.starts_at });
    expect([refused.status, refused.body.code]).toEqual([409, 'SLOT_TAKEN']);
    expect((await app.call('PATCH', `/api/appointments/${mine.id}`, { starts_at: over.starts_at })).body.data).toMatchObject({
      starts_at: over.starts_at,
      resources: mine.resources,
    });
  });
});
