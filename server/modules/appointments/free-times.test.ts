import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, make, makePet, makeResource, makeService, makeVisitor, MONDAY, openClinic, type Row } from '../../../test/support/clinic.ts';

describe.each(modes)('free times on $engine + $cache', (mode) => {
  let app: TestApp;
  let ids: Row;
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
    ({ ids } = await makeVisitor(app));
  });
  afterAll(() => app.close());

  const ask = (serviceId: string, from: string, to: string, more = '') =>
    app.call('GET', `/api/appointments/availability?service_id=${serviceId}&from=${from}&to=${to}${more}`);
  async function slots(serviceId: string, from: string, to = from, more = ''): Promise<Row[]> {
    const answer = await ask(serviceId, from, to, more);
    expect(answer.status, answer.text).toBe(200);
    return answer.body.data;
  }
  /** São Paulo's days and hours. */
  const local = ({ starts_at }: Row) => new Date(Date.parse(starts_at) - 3 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');

  test('one list in the contract’s shape', async () => {
    const service = await makeService(app);
    const { body } = await ask(service.id, '2027-02-06', '2027-02-06');
    const resource = service.resources[0];
    expect(body.data[0]).toEqual({
      starts_at: at('2027-02-06', '08:00'),
      ends_at: at('2027-02-06', '09:00'),
      resource_id: resource.id,
      resource_name: resource.name,
    });
    expect(body.data.map(local)).toEqual(['08:00', '08:30', '09:00', '09:30', '10:00', '10:30', '11:00', '11:30', '12:00'].map((time) => `2027-02-06 ${time}`));
    expect(body.meta).not.toHaveProperty('next_cursor');
  });

  test('a day has what is left of it; a visit, its buffers and a cancellation show at once', async () => {
    const service = await makeService(app, { buffer_after_minutes: 30 });
    const times = async () => (await slots(service.id, '2027-02-05')).map((slot) => local(slot).slice(11));
    expect(await times()).toHaveLength(19);
    const row = await book(app, { ...ids, service_id: service.id, starts_at: at('2027-02-05', '10:00') });
    expect(await times()).toEqual([
      '08:00',
      '08:30',
      '11:30',
      '12:00',
      '12:30',
      '13:00',
      '13:30',
      '14:00',
      '14:30',
      '15:00',
      '15:30',
      '16:00',
      '16:30',
      '17:00',
    ]);
    await make(app, 'PATCH', `/api/appointments/${row.id}`, { status: 'cancelled' });
    expect(await times()).toHaveLength(19);
  });

  test('today begins now; past days, closed days, holidays and days beyond the horizon have none', async () => {
    const service = await makeService(app);
    expect(local((await slots(service.id, '2027-01-20', '2027-02-02'))[0])).toBe('2027-02-01 09:00');
    expect(await slots(service.id, '2027-01-01', '2027-01-31')).toEqual([]);
    expect(await slots(service.id, '2027-02-07')).toEqual([]);
    expect(await slots(service.id, '2027-04-21')).toEqual([]);
    const days = (await slots(service.id, '2027-11-10', '2027-11-20')).map((slot) => local(slot).slice(0, 10));
    expect([...new Set(days)]).toEqual(['2027-11-10', '2027-11-11', '2027-11-12', '2027-11-13', '2027-11-16', '2027-11-17', '2027-11-18', '2027-11-19']);
    expect(local((await slots(service.id, '2028-02-20', '2028-03-31')).at(-1))).toBe('2028-03-07 17:00');
    expect(await slots(service.id, '2028-03-08', '2028-03-31')).toEqual([]);
    expect(await slots(service.id, '2090-03-08', '2090-03-31')).toEqual([]);
  });

  test('settings count at once: lead time, grid, an own closed day', async () => {
    const service = await makeService(app);
    await make(app, 'PATCH', '/api/settings/policies', { lead_minutes: 24 * 60, grid_minutes: 60 });
    expect((await slots(service.id, '2027-02-01', '2027-02-02')).map(local).slice(0, 2)).toEqual(['2027-02-02 09:00', '2027-02-02 10:00']);
    await make(app, 'PATCH', '/api/settings/policies', { lead_minutes: 0, grid_minutes: 30 });
    expect(await slots(service.id, '2027-02-01')).toHaveLength(17);
  });

  test('for the pet: its species, size and coat decide how long, and whether at all', async () => {
    const service = await makeService(app, { species: ['dog'], prices: [{ size: 'giant', price_cents: 9000, duration_minutes: 300 }] });
    const giant = await makePet(app, ids.tutor_id, { size: 'giant' });
    const small = await makePet(app, ids.tutor_id, { size: 'small' });
    const cat = await makePet(app, ids.tutor_id, { species: 'cat' });
    const count = async (more: string) => (await slots(service.id, '2027-02-06', '2027-02-06', more)).length;
    expect(await count(`&pet_id=${giant.id}`)).toBe(1);
    expect(await count(`&pet_id=${small.id}`)).toBe(9);
    expect(await count('&species=dog&size=giant')).toBe(1);
    expect(await count('&species=dog&size=small&coat=longa')).toBe(9);
    expect(await count('')).toBe(1);
    for (const more of [`&pet_id=${cat.id}`, '&species=cat']) {
      const answer = await ask(service.id, '2027-02-06', '2027-02-06', more);
      expect([answer.status, answer.body.code]).toEqual([422, 'SERVICE_RULE']);
    }
  });

  test('each free resource is offered, in its own hours, or only the asked one', async () => {
    const [morning, all] = [
      await makeResource(app, { name: 'Ana', hours: { mon: [], tue: ['08:00-10:00'], wed: [], thu: [], fri: [], sat: [], sun: [] } }),
      await makeResource(app, { name: 'Rui' }),
    ];
    const service = await makeService(app, { resources: [morning.id, all.id] });
    const found = await slots(service.id, '2027-02-02');
    expect(found.slice(0, 3).map((slot) => `${local(slot).slice(11)} ${slot.resource_name}`)).toEqual(['08:00 Ana', '08:00 Rui', '08:30 Ana']);
    expect(found.filter((slot) => slot.resource_id === morning.id).map((slot) => local(slot).slice(11))).toEqual(['08:00', '08:30', '09:00']);
    expect(await slots(service.id, '2027-02-02', '2027-02-02', `&resource_id=${morning.id}`)).toHaveLength(3);
    expect(await slots(service.id, '2027-02-02', '2027-02-02', '&limit=2')).toEqual(found.slice(0, 2));
  });

  test('what is offered can be booked, and is then no longer offered', async () => {
    const service = await makeService(app, { duration_minutes: 180, buffer_before_minutes: 20 });
    for (let left = await slots(service.id, '2027-02-09'); left.length > 0; left = await slots(service.id, '2027-02-09')) {
      const slot = left[Math.floor(left.length / 2)];
      const row = await book(app, { ...ids, service_id: service.id, starts_at: slot.starts_at, resource_id: slot.resource_id });
      expect(row).toMatchObject({ ends_at: slot.ends_at, resources: [{ id: slot.resource_id, name: slot.resource_name }] });
    }
    expect((await app.db.all(sql`select id from appointments where service_id = ${service.id}`)).length).toBeGreaterThanOrEqual(2);
  });

  test('a whole horizon is one list to its last day; more than fits is refused, not cut', async () => {
    const service = await makeService(app);
    const all = await slots(service.id, '2027-02-01', '2028-03-07');
    expect(all.length).toBeGreaterThan(5_000);
    expect(local(all.at(-1))).toBe('2028-03-07 17:00');
    await make(app, 'PATCH', '/api/settings/policies', { grid_minutes: 5 });
    const refused = await ask(service.id, '2027-02-01', '2028-03-07');
    const limited = await slots(service.id, '2027-02-01', '2028-03-07', '&limit=20000');
    await make(app, 'PATCH', '/api/settings/policies', { grid_minutes: 30 });
    expect([refused.status, refused.body.code, refused.body.details.fields]).toEqual([
      422,
      'VALIDATION_FAILED',
      [{ field: 'to', message: expect.stringContaining('fewer days') }],
    ]);
    expect(limited).toHaveLength(20_000);
  });

  test('refuses what it cannot answer, naming the field', async () => {
    const service = await makeService(app);
    const unknown = '0190a000-0000-7000-8000-00000000dead';
    const stranger = await makeResource(app);
    const table: [string, string][] = [
      [`service_id=${service.id}&from=2027-02-03&to=2027-02-02`, 'to'],
      [`service_id=${service.id}&from=2027-02-01&to=2028-03-08`, 'to'],
      [`service_id=${service.id}&from=2027-02-01&to=2027-02-01&limit=20001`, 'limit'],
      [`service_id=${service.id}&from=2027-02-30&to=2027-03-01`, 'from'],
      [`service_id=${service.id}&from=2027-02-01`, 'to'],
      [`service_id=${unknown}&from=2027-02-01&to=2027-02-01`, 'service_id'],
      [`service_id=${service.id}&from=2027-02-01&to=2027-02-01&pet_id=${unknown}`, 'pet_id'],
      [`service_id=${service.id}&from=2027-02-01&to=2027-02-01&resource_id=${stranger.id}`, 'resource_id'],
      [`service_id=${service.id}&from=2027-02-01&to=2027-02-01&species=dragon`, 'species'],
      [`service_id=${service.id}&from=2027-02-01&to=2027-02-01&limit=0`, 'limit'],
      ['from=2027-02-01&to=2027-02-01', 'service_id'],
    ];
    for (const [query, field] of table) {
      const answer = await app.call('GET', `/api/appointments/availability?${query}`);
      expect([answer.status, answer.body.details.fields.map((fault: Row) => fault.field)], query).toEqual([422, [field]]);
    }
    expect((await ask(service.id, '2027-02-01', '2028-03-07')).status).toBe(200);
    await make(app, 'PATCH', `/api/services/${service.id}`, { archived: true });
    expect((await ask(service.id, '2027-02-01', '2027-02-01')).status).toBe(422);
  });

  test('costs the same few statements for a day and for 400, for one resource and for many, empty and full', async () => {
    const many = [];
    for (let i = 0; i < 6; i++) many.push((await makeResource(app)).id);
    const [narrow, wide] = [await makeService(app), await makeService(app, { resources: many })];
    for (let hour = 9; hour < 17; hour++) await book(app, { ...ids, service_id: wide.id, starts_at: at('2027-02-10', `${String(hour).padStart(2, '0')}:00`) });
    const cost = async (serviceId: string, to: string) => {
      app.statements();
      await slots(serviceId, '2027-02-10', to);
      const texts = app.statements().map(({ text }) => text);
      return [texts.length, texts.filter((text) => text.includes('appointment_resources')).length];
    };
    expect(app.clock.now() > MONDAY).toBe(true);
    for (const [id, to] of [
      [narrow.id, '2027-02-10'],
      [wide.id, '2027-02-10'],
      [wide.id, '2027-04-12'],
      [narrow.id, '2028-03-16'],
    ])
      expect(await cost(id, to)).toEqual([4, 1]);
  });
});
