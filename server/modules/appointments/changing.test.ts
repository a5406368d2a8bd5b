import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, make, makeResource, makeService, makeVisitor, openClinic, type Row } from '../../../test/support/clinic.ts';

describe.each(modes)('rescheduling on $engine + $cache', (mode) => {
  let app: TestApp;
  let ids: Row;
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
    ({ ids } = await makeVisitor(app));
  });
  afterAll(() => app.close());

  const patch = (id: string, body: object, headers?: Record<string, string>) => app.call('PATCH', `/api/appointments/${id}`, body, headers);
  const read = async (id: string) => (await app.call('GET', `/api/appointments/${id}`)).body.data;
  const time = (clock: string) => at('2027-02-03', clock);

  async function booked(...clocks: string[]): Promise<Row[]> {
    const service = await makeService(app);
    const rows = [];
    for (const clock of clocks) rows.push(await book(app, { ...ids, service_id: service.id, starts_at: time(clock) }));
    return rows;
  }

  test('onto its own overlap, on to a free time, and its old time is free', async () => {
    const [row] = await booked('09:00');
    const nudged = await patch(row.id, { starts_at: time('09:30') });
    expect(nudged.body.data).toEqual({ ...row, starts_at: time('09:30'), ends_at: time('10:30'), version: 2, updated_at: expect.any(String) });
    await patch(row.id, { starts_at: time('14:00') });
    expect(await read(row.id)).toMatchObject({ starts_at: time('14:00'), ends_at: time('15:00'), version: 3, status: 'scheduled' });
    await book(app, { ...ids, service_id: row.service_id, starts_at: time('09:30') });
  });

  test('into a taken time: refused, and the old booking stands as it was', async () => {
    const [first, second] = await booked('09:00', '10:00');
    for (const clock of ['10:00', '09:30', '10:59']) {
      const refused = await patch(first.id, { starts_at: time(clock), notes: 'x' });
      expect([refused.status, refused.body.code, refused.body.details], clock).toEqual([409, 'SLOT_TAKEN', { starts_at: time(clock) }]);
    }
    expect(await read(first.id)).toEqual(first);
    expect(await read(second.id)).toEqual(second);
    const lost = await app.call('POST', '/api/appointments', { ...ids, service_id: first.service_id, starts_at: time('09:00') });
    expect(lost.body.code).toBe('SLOT_TAKEN');
  });

  test('keeps the rules of booking', async () => {
    const [row] = await booked('09:00');
    const table: [object, number, string][] = [
      [{ starts_at: at('2027-02-01', '08:00') }, 422, 'past'],
      [{ starts_at: at('2027-02-07', '10:00') }, 422, 'closed'],
      [{ starts_at: time('17:30') }, 422, 'outside_hours'],
    ];
    for (const [body, status, reason] of table) {
      const refused = await patch(row.id, body);
      expect([refused.status, refused.body.details.reason]).toEqual([status, reason]);
    }
    const stranger = await makeResource(app);
    const refused = await patch(row.id, { resource_id: stranger.id });
    expect([refused.status, refused.body.details.fields[0].field]).toEqual([422, 'resource_id']);
    expect((await patch(row.id, {})).status).toBe(422);
    expect((await patch(row.id, { pet_id: ids.pet_id })).status).toBe(422);
    await patch(row.id, { status: 'in_service' });
    const begun = await patch(row.id, { starts_at: time('11:00') });
    expect([begun.status, begun.body.code]).toEqual([409, 'CONFLICT']);
    expect((await patch('0190a000-0000-7000-8000-00000000dead', { notes: 'x' })).status).toBe(404);
  });

  test('stays with whom it is, goes to whom it is sent, and to another only when it must', async () => {
    const [ana, rui] = [await makeResource(app, { name: 'Ana' }), await makeResource(app, { name: 'Rui' })];
    const service = await makeService(app, { resources: [ana.id, rui.id] });
    const row = await book(app, { ...ids, service_id: service.id, starts_at: time('09:00'), resource_id: rui.id });
    const servedBy = async (body: object) => (await patch(row.id, body)).body.data.resources.map((r: Row) => r.name);
    expect(await servedBy({ starts_at: time('10:00') })).toEqual(['Rui']);
    expect(await servedBy({ resource_id: ana.id })).toEqual(['Ana']);
    await book(app, { ...ids, service_id: service.id, starts_at: time('15:00'), resource_id: ana.id });
    expect(await servedBy({ starts_at: time('15:00') })).toEqual(['Rui']);
    const moved = await app.call('GET', `/api/appointments/availability?service_id=${service.id}&from=2027-02-03&to=2027-02-03&resource_id=${rui.id}`);
    expect(moved.body.data.map((slot: Row) => slot.starts_at)).not.toContain(time('15:00'));
    expect(moved.body.data.map((slot: Row) => slot.starts_at)).toContain(time('10:00'));
  });

  test('another service is priced and timed anew, on its own resources', async () => {
    const [row] = await booked('09:00');
    const longer = await makeService(app, { name: 'Banho e tosa', duration_minutes: 90, price_cents: 11000 });
    const cats = await makeService(app, { species: ['cat'] });
    expect((await patch(row.id, { service_id: cats.id })).body.code).toBe('SERVICE_RULE');
    const changed = (await patch(row.id, { service_id: longer.id })).body.data;
    expect(changed).toMatchObject({
      service_id: longer.id,
      service_name: 'Banho e tosa',
      price_cents: 11000,
      starts_at: time('09:00'),
      ends_at: time('10:30'),
      resources: [{ id: longer.resources[0].id }],
    });
    await book(app, { ...ids, service_id: row.service_id, starts_at: time('09:00') });
  });

  test('a service that was archived meanwhile can still be rescheduled', async () => {
    const [row] = await booked('09:00');
    await make(app, 'PATCH', `/api/services/${row.service_id}`, { archived: true });
    expect((await patch(row.id, { starts_at: time('10:00') })).status).toBe(200);
  });

  test('on a resource that was archived, or that the service no longer uses, it can still be moved in time', async () => {
    const [archived, unlinked] = [await booked('09:00'), await booked('09:00')].map(([row]) => row);
    await make(app, 'PATCH', `/api/resources/${archived.resources[0].id}`, { archived: true });
    await make(app, 'PATCH', `/api/services/${unlinked.service_id}`, { resources: [(await makeResource(app)).id] });
    for (const row of [archived, unlinked]) {
      const moved = await patch(row.id, { starts_at: time('11:00') });
      expect([moved.status, moved.body.data?.resources], moved.text).toEqual([200, row.resources]);
      expect((await patch(row.id, { starts_at: time('12:00'), resource_id: row.resources[0].id })).body.data.resources).toEqual(row.resources);
    }
    const fresh = await app.call('POST', '/api/appointments', { ...ids, service_id: archived.service_id, starts_at: time('09:00') });
    expect([fresh.status, fresh.body.code]).toEqual([422, 'SERVICE_RULE']);
    const other = await makeService(app);
    expect((await patch(archived.id, { service_id: other.id })).body.data.resources).toMatchObject([{ id: other.resources[0].id }]);
  });

  test('two that want each other’s time: both are refused or one after the other, never an error', async () => {
    for (let round = 0; round < 6; round++) {
      const [first, second] = await booked('09:00', '10:00');
      const answers = await Promise.all([patch(first.id, { starts_at: time('10:00') }), patch(second.id, { starts_at: time('09:00') })]);
      expect(answers.map(({ status }) => status)).toEqual([409, 409]);
      // Half over each other's and half over their own: the row that is left must not be waited for.
      const halves = await Promise.all([patch(first.id, { starts_at: time('09:30') }), patch(second.id, { starts_at: time('09:30') })]);
      expect(halves.map(({ status }) => status)).toEqual([409, 409]);
      expect([await read(first.id), await read(second.id)]).toEqual([first, second]);
    }
  });

  test('many to one free time: one gets it, the others stay where they were', async () => {
    const rows = await booked('08:00', '09:00', '10:00', '11:00', '12:00', '13:00');
    const answers = await Promise.all(rows.map((row) => patch(row.id, { starts_at: time('15:00') })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    const now = await Promise.all(rows.map((row) => read(row.id)));
    expect(now.filter((row, i) => row.starts_at === rows[i].starts_at)).toHaveLength(5);
  });

  test('changes at the same moment all happen, unless the caller named a version', async () => {
    const [row] = await booked('09:00');
    const answers = await Promise.all([patch(row.id, { notes: 'a' }), patch(row.id, { status: 'confirmed' }), patch(row.id, { starts_at: time('10:00') })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await read(row.id)).toMatchObject({ notes: 'a', status: 'confirmed', starts_at: time('10:00'), version: 4 });
    const named = await Promise.all(['a', 'b', 'c', 'd'].map((notes) => patch(row.id, { notes }, { 'if-match': '"4"' })));
    expect(named.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
    expect((await read(row.id)).version).toBe(5);
  });
});
