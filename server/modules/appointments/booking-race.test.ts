import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#platform/ids';
import { sql } from '#platform/db/sql';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, makeResource, makeService, makeVisitor, openClinic, type Row } from '../../../test/support/clinic.ts';

const RACERS = 64;

describe.each(modes)('racing for a time on $engine + $cache', (mode) => {
  let app: TestApp;
  let visitors: Row[];
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
    visitors = [];
    for (let i = 0; i < 8; i++) visitors.push((await makeVisitor(app)).ids);
  });
  afterAll(() => app.close());

  /** How many racers got each start; whoever did not must have been told that it is taken. */
  async function race(wishes: object[]): Promise<number> {
    const answers = await Promise.all(wishes.map((wish, i) => app.call('POST', '/api/appointments', { ...visitors[i % visitors.length], ...wish })));
    const lost = answers.filter(({ status }) => status !== 201);
    expect(lost.map(({ status, body }) => `${status} ${body.code}`)).toEqual(lost.map(() => '409 SLOT_TAKEN'));
    return answers.length - lost.length;
  }

  const times = (n: number, wish: object) => Array.from({ length: n }, () => wish);

  /** No two active rows of one unit overlap, and nobody has two places or none. */
  async function expectSound(): Promise<void> {
    const overlaps = await app.db.all(sql`
      select a.appointment_id from appointment_resources a join appointment_resources b
        on a.resource_id = b.resource_id and a.unit = b.unit and a.appointment_id <> b.appointment_id and a.busy_from < b.busy_to and b.busy_from < a.busy_to
      where a.active and b.active`);
    expect(overlaps).toEqual([]);
    const uneven = await app.db.all(sql`
      select a.id from appointments a left join appointment_resources r on r.appointment_id = a.id group by a.id having count(r.unit) <> 1`);
    expect(uneven).toEqual([]);
  }

  test('one at a time: one wins, slot after slot', async () => {
    const service = await makeService(app, { buffer_after_minutes: 30 });
    for (const clock of ['08:00', '09:30', '11:00']) {
      expect(await race(times(RACERS, { service_id: service.id, starts_at: at('2027-02-02', clock) })), clock).toBe(1);
    }
    await expectSound();
  });

  test('several slots at once, and starts that overlap each other', async () => {
    const service = await makeService(app);
    const slots = ['08:00', '09:00', '10:00', '11:00'].map((clock) => ({ service_id: service.id, starts_at: at('2027-02-03', clock) }));
    expect(await race(Array.from({ length: RACERS }, (_, i) => slots[i % slots.length]!))).toBe(4);
    const steps = Array.from({ length: RACERS }, (_, i) => ({
      service_id: service.id,
      starts_at: at('2027-02-03', `1${3 + (i % 2)}:${i % 4 < 2 ? '00' : '30'}`),
    }));
    const won = await race(steps);
    expect(won).toBeGreaterThanOrEqual(1);
    expect(won).toBeLessThanOrEqual(2);
    await expectSound();
  });

  test('a resource for three: three win', async () => {
    const hall = await makeResource(app, { capacity: 3 });
    const service = await makeService(app, { resources: [hall.id] });
    expect(await race(times(RACERS, { service_id: service.id, starts_at: at('2027-02-02', '09:00') }))).toBe(3);
    const units = await app.db.all<{ unit: number }>(sql`select unit from appointment_resources where resource_id = ${hall.id} order by unit`);
    expect(units.map(({ unit }) => unit)).toEqual([1, 2, 3]);
    await expectSound();
  });

  test('any of three resources, tried in opposite orders by two services: a lost one is not the last', async () => {
    const all = [await makeResource(app), await makeResource(app, { capacity: 2 }), await makeResource(app)].map(({ id }) => id);
    const one = await makeService(app, { resources: all });
    const two = await makeService(app, { resources: [...all].reverse() });
    const starts_at = at('2027-02-02', '09:00');
    const wishes = Array.from({ length: RACERS }, (_, i) => ({ service_id: [one, two][i % 2].id, starts_at, ...(i % 8 === 0 && { resource_id: all[1] }) }));
    expect(await race(wishes)).toBe(4);
    await expectSound();
  });

  test('a hold that ran out makes way once, one that stands does not', async () => {
    const service = await makeService(app);
    const hold = async (clock: string, expires: string) => {
      const row = await book(app, { ...visitors[0], service_id: service.id, starts_at: at('2027-02-04', clock) });
      await app.db.run(sql`update appointments set status = 'pending', hold_reason = 'proposal', hold_expires_at = ${expires} where id = ${row.id}`);
      return row.id as string;
    };
    const [early, late, standing] = [
      await hold('09:00', '2020-01-01T00:00:00.000Z'),
      await hold('10:00', '2020-01-01T00:00:00.000Z'),
      await hold('14:00', '2099-01-01T00:00:00.000Z'),
    ];
    const wish = (clock: string) => ({ service_id: service.id, starts_at: at('2027-02-04', clock) });
    // Over both holds, over the one, over the other: either the first wins alone, or both others do.
    const won = await race(Array.from({ length: RACERS }, (_, i) => wish(['09:30', '09:00', '10:00'][i % 3]!)));
    expect([1, 2]).toContain(won);
    expect(await race(times(16, wish('14:00')))).toBe(0);
    expect(await app.db.all(sql`select id, status, cancel_reason from appointments where id in (${early}, ${late}, ${standing}) order by id`)).toEqual([
      { id: early, status: 'cancelled', cancel_reason: 'hold_expired' },
      { id: late, status: 'cancelled', cancel_reason: 'hold_expired' },
      { id: standing, status: 'pending', cancel_reason: null },
    ]);
    const news = await app.db.all<Row>(sql`select subject from events where type = 'appointment.changed'`);
    expect(
      news
        .filter(({ subject }) => subject.change === 'expired')
        .map(({ subject }) => subject.appointment_id)
        .sort(),
    ).toEqual([early, late].sort());
    await expectSound();
  });

  test('one key, many copies of the request: one booking, one answer', async () => {
    const service = await makeService(app);
    const wish = { ...visitors[0], service_id: service.id, starts_at: at('2027-02-05', '09:00') };
    const key = newId();
    const answers = await Promise.all(times(16, wish).map((body) => app.call('POST', '/api/appointments', body, { 'idempotency-key': key })));
    const good = answers.filter(({ status }) => status === 201);
    expect(answers.filter(({ status }) => status !== 201).map(({ body }) => body.code)).toEqual(answers.slice(good.length).map(() => 'CONFLICT'));
    expect(new Set(good.map(({ text }) => text)).size).toBe(1);
  });

  test('who comes when it is taken is told so by three reads', async () => {
    const service = await makeService(app);
    const wish = { ...visitors[0], service_id: service.id, starts_at: at('2027-02-08', '09:00') };
    await book(app, wish);
    app.statements();
    expect((await app.call('POST', '/api/appointments', wish)).status).toBe(409);
    expect(words()).toEqual(['select', 'select', 'select']);
  });

  test('of those who come at once to one instance, only the winner writes', async () => {
    const service = await makeService(app);
    app.statements();
    expect(await race(times(16, { service_id: service.id, starts_at: at('2027-02-08', '11:00') }))).toBe(1);
    // The visit and its place.
    expect(words().filter((word) => word === 'insert')).toHaveLength(2);
  });

  /** The first word of every statement about bookings since the last look. */
  function words(): string[] {
    const ours = /\b(appointments|appointment_resources|tutors|pets|services|settings|closed_days)\b/;
    return app.statements().flatMap(({ text }) => (ours.test(text) ? text.trim().split(/\s/)[0]! : []));
  }
});
