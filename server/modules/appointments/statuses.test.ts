import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, makeService, makeVisitor, openClinic, type Row } from '../../../test/support/clinic.ts';
import { type Status, statuses } from './statuses.ts';

/** From each status (row) to each (column), in the order of `statuses`: 1 = may follow. Itself is no change. */
const TABLE = `
  pending     .1.....1.
  scheduled   ..1111111
  confirmed   ...111111
  arrived     ....1111.
  in_service  .....111.
  ready       ......1..
  completed   .........
  cancelled   .........
  no_show     .........`;

const allowed = new Map(
  TABLE.trim()
    .split('\n')
    .map((line) => {
      const [from = '', marks = ''] = line.trim().split(/\s+/);
      return [from, statuses.filter((_, i) => marks[i] === '1')];
    }),
);

describe.each(modes)('the life of a visit on $engine + $cache', (mode) => {
  let app: TestApp;
  let row: Row;
  let wish: Row;
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
    const service = await makeService(app);
    const { ids } = await makeVisitor(app);
    wish = { ...ids, service_id: service.id, starts_at: at('2027-02-02', '09:00') };
    row = await book(app, wish);
  });
  afterAll(() => app.close());

  async function put(status: Status): Promise<void> {
    const hold = status === 'pending' ? 'request' : null;
    const blocks = status !== 'cancelled' && status !== 'no_show';
    await app.db.run(sql`update appointments set status = ${status}, hold_reason = ${hold}, cancel_reason = null where id = ${row.id}`);
    await app.db.run(sql`update appointment_resources set active = ${blocks} where appointment_id = ${row.id}`);
  }

  test.each(statuses)('%s', async (from) => {
    expect([...allowed.keys()]).toEqual(statuses);
    for (const to of statuses) {
      await put(from);
      const may = allowed.get(from)!;
      const answer = await app.call('PATCH', `/api/appointments/${row.id}`, { status: to });
      if (to === from || may.includes(to)) {
        expect([answer.status, answer.body.data?.status], `${from} to ${to}`).toEqual([200, to]);
        expect(answer.body.data.hold_reason, `${from} to ${to}`).toBe(to === 'pending' ? 'request' : null);
      } else {
        expect([answer.status, answer.body.code, answer.body.details], `${from} to ${to}`).toEqual([409, 'CONFLICT', { from, to, allowed: may }]);
      }
      const now = answer.status === 200 ? to : from;
      const { body } = await app.call('GET', `/api/appointments/${row.id}`);
      expect(body.data.status).toBe(now);
      const [place] = await app.db.all<{ active: boolean }>(sql`select active from appointment_resources where appointment_id = ${row.id}`);
      expect(place?.active, `${from} to ${to} blocks`).toBe(now !== 'cancelled' && now !== 'no_show');
    }
  });

  test.each(['cancelled', 'no_show'] as const)('%s gives the place to the next, and its own time is then out of reach', async (status) => {
    await put('scheduled');
    expect((await app.call('POST', '/api/appointments', wish)).status).toBe(409);
    const free = await app.call('PATCH', `/api/appointments/${row.id}`, { status, ...(status === 'cancelled' && { cancel_reason: 'viagem' }) });
    expect(free.body.data).toMatchObject({ status, cancel_reason: status === 'cancelled' ? 'viagem' : null });
    const next = await book(app, wish);
    const back = await app.call('PATCH', `/api/appointments/${row.id}`, { starts_at: at('2027-02-02', '11:00') });
    expect([back.status, back.body.code]).toEqual([409, 'CONFLICT']);
    expect((await app.call('DELETE', `/api/appointments/${next.id}`)).status).toBe(204);
  });

  test('a reason goes with a cancellation only', async () => {
    await put('scheduled');
    const answer = await app.call('PATCH', `/api/appointments/${row.id}`, { status: 'confirmed', cancel_reason: 'viagem' });
    expect([answer.status, answer.body.details.fields[0].field]).toEqual([422, 'cancel_reason']);
    await app.call('PATCH', `/api/appointments/${row.id}`, { status: 'cancelled' });
    const later = await app.call('PATCH', `/api/appointments/${row.id}`, { cancel_reason: 'viagem' });
    expect([later.status, later.body.data.cancel_reason]).toEqual([200, 'viagem']);
  });

  test('is told as news', async () => {
    await put('scheduled');
    await app.call('PATCH', `/api/appointments/${row.id}`, { status: 'arrived' });
    const events = await app.db.all<Row>(sql`select subject from events where type = 'appointment.changed' order by id desc limit 1`);
    expect(events[0].subject).toEqual({ appointment_id: row.id, person_id: row.tutor_id, change: 'arrived' });
  });
});
