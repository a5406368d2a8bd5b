import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { at, book, make, makePet, makeResource, makeService, makeTutor, makeVisitor, openClinic, type Row } from '../../../test/support/clinic.ts';

const UNKNOWN = '0190a000-0000-7000-8000-00000000dead';

describe.each(modes)('appointments on $engine + $cache', (mode) => {
  let app: TestApp;
  let service: Row;
  beforeAll(async () => {
    app = await startApp(mode);
    await openClinic(app);
    service = await makeService(app);
  });
  afterAll(() => app.close());

  const patch = (id: string, body: object, headers?: Record<string, string>) => app.call('PATCH', `/api/appointments/${id}`, body, headers);
  const get = (path: string) => app.call('GET', path);
  const faults = (answer: Row) => answer.body.details.fields.map((fault: Row) => fault.field);

  describe('booking', () => {
    test('answers the whole row, as it is read afterwards, and leaves its traces', async () => {
      const { tutor, pet, ids } = await makeVisitor(app);
      const row = await book(app, { ...ids, service_id: service.id, starts_at: '2027-02-02T09:00:00-03:00', notes: 'medrosa\u200b' });
      const resource = service.resources[0];
      expect(row).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        ...ids,
        tutor_name: tutor.name,
        pet_name: pet.name,
        service_id: service.id,
        service_name: 'Banho',
        status: 'scheduled',
        starts_at: at('2027-02-02', '09:00'),
        ends_at: at('2027-02-02', '10:00'),
        price_cents: 6000,
        notes: 'medrosa',
        hold_expires_at: null,
        hold_reason: null,
        cancel_reason: null,
        source: 'api',
        external_id: null,
        resources: [{ id: resource.id, name: resource.name, unit: 1 }],
        version: 1,
        created_at: expect.stringMatching(/Z$/),
        updated_at: row.created_at,
      });
      expect((await get(`/api/appointments/${row.id}`)).body.data).toEqual(row);
      expect(await app.db.all(sql`select action, person_id from audit_log where entity_id = ${row.id}`)).toEqual([{ action: 'created', person_id: tutor.id }]);
      const events = await app.db.all<Row>(sql`select subject from events where type = 'appointment.changed'`);
      expect(events.map((event) => event.subject)).toContainEqual({ appointment_id: row.id, person_id: tutor.id, change: 'created' });
    });

    test('price and duration are the pet’s, and stay when the catalogue changes', async () => {
      const priced = await makeService(app, { prices: [{ size: 'large', price_cents: 9000, duration_minutes: 90 }] });
      const { ids } = await makeVisitor(app, { size: 'large' });
      const row = await book(app, { ...ids, service_id: priced.id, starts_at: at('2027-02-02', '09:00') });
      expect(row).toMatchObject({ price_cents: 9000, ends_at: at('2027-02-02', '10:30') });
      await make(app, 'PATCH', `/api/services/${priced.id}`, { prices: [], price_cents: 1 });
      expect((await patch(row.id, { starts_at: at('2027-02-02', '14:00') })).body.data).toMatchObject({
        price_cents: 9000,
        ends_at: at('2027-02-02', '15:30'),
      });
    });

    test('a guardian may book', async () => {
      const { pet } = await makeVisitor(app);
      const aunt = await makeTutor(app);
      const wish = { tutor_id: aunt.id, pet_id: pet.id, service_id: service.id, starts_at: at('2027-02-02', '11:00') };
      const before = await app.call('POST', '/api/appointments', wish);
      expect([before.status, faults(before)]).toEqual([422, ['pet_id']]);
      await make(app, 'POST', `/api/pets/${pet.id}/guardians`, { person_id: aunt.id });
      expect(await book(app, wish)).toMatchObject({ tutor_id: aunt.id, tutor_name: aunt.name });
    });

    test('names the field that is wrong', async () => {
      const { ids } = await makeVisitor(app);
      const gone = await makeVisitor(app);
      await make(app, 'PATCH', `/api/tutors/${gone.tutor.id}`, { archived: true });
      const archived = await makePet(app, ids.tutor_id);
      await make(app, 'PATCH', `/api/pets/${archived.id}`, { archived: true });
      const dead = await makePet(app, ids.tutor_id);
      await make(app, 'PATCH', `/api/pets/${dead.id}`, { deceased: true });
      const old = await makeService(app);
      await make(app, 'PATCH', `/api/services/${old.id}`, { archived: true });
      const other = await makeResource(app);
      const good = { ...ids, service_id: service.id, starts_at: at('2027-02-02', '12:00') };
      const table: [object, string][] = [
        [{ tutor_id: UNKNOWN }, 'tutor_id'],
        [gone.ids, 'tutor_id'],
        [{ pet_id: UNKNOWN }, 'pet_id'],
        [{ pet_id: gone.pet.id }, 'pet_id'],
        [{ pet_id: archived.id }, 'pet_id'],
        [{ pet_id: dead.id }, 'pet_id'],
        [{ service_id: UNKNOWN }, 'service_id'],
        [{ service_id: old.id }, 'service_id'],
        [{ resource_id: other.id }, 'resource_id'],
        [{ hold_id: UNKNOWN }, 'hold_id'],
        [{ starts_at: '2027-02-02T12:00:00' }, 'starts_at'],
        [{ starts_at: '2027-02-30T12:00:00Z' }, 'starts_at'],
        [{ starts_at: '2027-02-02T12:00:01-03:00' }, 'starts_at'],
        [{ starts_at: '2027-02-02T12:00:00.001-03:00' }, 'starts_at'],
        [{ status: 'completed' }, 'status'],
        [{ notes: 7 }, 'notes'],
      ];
      for (const [more, field] of table) {
        const answer = await app.call('POST', '/api/appointments', { ...good, ...more });
        expect([answer.status, answer.body.code, faults(answer)], JSON.stringify(more)).toEqual([422, 'VALIDATION_FAILED', [field]]);
      }
      const row = await book(app, good);
      const moved = await patch(row.id, { starts_at: '2027-02-02T15:10:13.123Z' });
      expect([moved.status, faults(moved)]).toEqual([422, ['starts_at']]);
    });

    test('keeps the rules of the service', async () => {
      const { ids } = await makeVisitor(app, { species: 'cat' });
      const dogs = await makeService(app, { species: ['dog'] });
      const nobody = await makeService(app, { resources: [] });
      const starts_at = at('2027-02-03', '08:00');
      const refused = await app.call('POST', '/api/appointments', { ...ids, service_id: dogs.id, starts_at });
      expect([refused.status, refused.body.code, refused.body.details]).toEqual([422, 'SERVICE_RULE', { reason: 'species', species: ['dog'] }]);
      const unserved = await app.call('POST', '/api/appointments', { ...ids, service_id: nobody.id, starts_at });
      expect([unserved.status, unserved.body.code, unserved.body.details.reason]).toEqual([422, 'SERVICE_RULE', 'no_resource']);
      const byStaff = await makeService(app, { booking: 'staff' });
      expect((await book(app, { ...ids, service_id: byStaff.id, starts_at })).status).toBe('scheduled');
    });

    test('says why a start is refused', async () => {
      const { ids } = await makeVisitor(app);
      const table: [string, string, object][] = [
        [at('2027-02-01', '08:30'), 'past', {}],
        [at('2028-06-05', '10:00'), 'horizon', {}],
        [at('2027-02-07', '10:00'), 'closed', { closed: { kind: 'weekday', name: 'domingo' } }],
        [at('2027-04-21', '10:00'), 'closed', { closed: { kind: 'holiday', name: 'Tiradentes' } }],
        [at('2027-02-03', '07:30'), 'outside_hours', {}],
        [at('2027-02-03', '17:30'), 'outside_hours', {}],
      ];
      for (const [starts_at, reason, more] of table) {
        const answer = await app.call('POST', '/api/appointments', { ...ids, service_id: service.id, starts_at });
        expect([answer.status, answer.body.code], reason).toEqual([422, 'VALIDATION_FAILED']);
        expect(answer.body.details).toEqual({ fields: [{ field: 'starts_at', message: expect.any(String) }], reason, ...more });
      }
      await make(app, 'PATCH', '/api/settings/policies', { lead_minutes: 120 });
      const soon = await app.call('POST', '/api/appointments', { ...ids, service_id: service.id, starts_at: at('2027-02-01', '10:30') });
      await make(app, 'PATCH', '/api/settings/policies', { lead_minutes: 0 });
      expect([soon.status, soon.body.details.reason]).toEqual([422, 'lead_time']);
    });

    test('refuses what is taken, buffers included, and takes what touches it', async () => {
      const { ids } = await makeVisitor(app);
      const buffered = await makeService(app, { buffer_after_minutes: 15 });
      const wish = (time: string) => ({ ...ids, service_id: buffered.id, starts_at: at('2027-02-03', time) });
      await book(app, wish('09:00'));
      for (const time of ['09:00', '09:59', '10:14', '07:46', '08:01']) {
        const answer = await app.call('POST', '/api/appointments', wish(time));
        if (time === '07:46') expect([answer.status, answer.body.details.reason]).toEqual([422, 'outside_hours']);
        else expect([answer.status, answer.body.code, answer.body.details], time).toEqual([409, 'SLOT_TAKEN', { starts_at: wish(time).starts_at }]);
      }
      await book(app, wish('10:15'));
    });

    test('a resource for several takes several, the asked one or whichever is free', async () => {
      const { ids } = await makeVisitor(app);
      const tub = await makeResource(app, { name: 'Banheira dupla', capacity: 2 });
      const table = await makeResource(app, { name: 'Mesa' });
      const wide = await makeService(app, { resources: [tub.id, table.id] });
      const wish = { ...ids, service_id: wide.id, starts_at: at('2027-02-03', '15:00') };
      const got = [];
      for (const more of [{}, { resource_id: table.id }, {}]) got.push((await book(app, { ...wish, ...more })).resources[0]);
      expect(got).toEqual([
        { id: tub.id, name: tub.name, unit: 1 },
        { id: table.id, name: table.name, unit: 1 },
        { id: tub.id, name: tub.name, unit: 2 },
      ]);
      for (const more of [{}, { resource_id: table.id }])
        expect((await app.call('POST', '/api/appointments', { ...wish, ...more })).body.code).toBe('SLOT_TAKEN');
      const lowered = await app.call('PATCH', `/api/resources/${tub.id}`, { capacity: 1 });
      expect([lowered.status, lowered.body.code]).toEqual([409, 'IN_USE']);
    });

    test('a caller’s own id is known again, and a repeated request books once', async () => {
      const { ids } = await makeVisitor(app);
      const wish = { ...ids, service_id: service.id, starts_at: at('2027-02-04', '08:00'), external_id: 'agenda-1' };
      const row = await book(app, wish);
      const again = await app.call('POST', '/api/appointments', wish);
      expect([again.status, again.body.code, again.body.details]).toEqual([409, 'ALREADY_EXISTS', { id: row.id }]);
      const other = await book(app, { ...wish, external_id: 'agenda-2', starts_at: at('2027-02-04', '09:00') });
      const renamed = await patch(other.id, { external_id: 'agenda-1' });
      expect([renamed.status, renamed.body.code, renamed.body.details]).toEqual([409, 'ALREADY_EXISTS', { id: row.id }]);

      const once = { ...wish, external_id: null, starts_at: at('2027-02-04', '10:00') };
      const first = await app.call('POST', '/api/appointments', once, { 'idempotency-key': 'reserva-1' });
      const second = await app.call('POST', '/api/appointments', once, { 'idempotency-key': 'reserva-1' });
      expect([first.status, second.status, second.text]).toEqual([201, 201, first.text]);
      const lost = await app.call('POST', '/api/appointments', once, { 'idempotency-key': 'reserva-2' });
      expect([lost.status, (await app.call('POST', '/api/appointments', once, { 'idempotency-key': 'reserva-2' })).text]).toEqual([409, lost.text]);
    });

    test('needs the scope', async () => {
      const reader = await app.as({ scopes: ['appointments:read'] });
      expect((await reader('GET', '/api/appointments')).status).toBe(200);
      expect((await reader('POST', '/api/appointments', {})).status).toBe(403);
      expect((await app.call('GET', '/api/appointments', undefined, { 'x-api-key': '' })).status).toBe(401);
    });
  });

  describe('lists', () => {
    let mine: Row;
    let rows: Row[];
    let other: Row;
    let both: Row;
    beforeAll(async () => {
      mine = await makeVisitor(app);
      const second = await makePet(app, mine.tutor.id, { name: 'Mel' });
      other = await makeService(app, { name: 'Consulta', duration_minutes: 30 });
      both = [await makeResource(app, { name: 'Sala 1' }), await makeResource(app, { name: 'Sala 2' })];
      const exam = await makeService(app, { name: 'Exame', resources: both.map((r: Row) => r.id) });
      const wishes = [
        { service_id: service.id, starts_at: at('2027-03-01', '08:00') },
        { service_id: other.id, starts_at: at('2027-03-01', '17:30') },
        { service_id: exam.id, starts_at: at('2027-03-02', '08:00'), pet_id: second.id },
        { service_id: exam.id, starts_at: at('2027-03-02', '08:00'), resource_id: both[1].id },
        { service_id: service.id, starts_at: at('2027-03-03', '17:00') },
      ];
      rows = [];
      for (const wish of wishes) rows.push(await book(app, { ...mine.ids, ...wish }));
      await make(app, 'PATCH', `/api/appointments/${rows[4].id}`, { status: 'cancelled', cancel_reason: 'viagem' });
    });
    const found = async (query: string) => {
      const answer = await get(`/api/appointments?tutor_id=${mine.tutor.id}&${query}`);
      expect(answer.status, answer.text).toBe(200);
      return answer.body.data.map((row: Row) => rows.findIndex(({ id }) => id === row.id));
    };

    test('by time, filtered', async () => {
      expect(await found('')).toEqual([0, 1, 2, 3, 4]);
      expect(await found('from=2027-03-02')).toEqual([2, 3, 4]);
      expect(await found('to=2027-03-01')).toEqual([0, 1]);
      expect(await found('from=2027-03-02&to=2027-03-03')).toEqual([2, 3, 4]);
      expect(await found(`service_id=${other.id}`)).toEqual([1]);
      expect(await found(`pet_id=${rows[2].pet_id}`)).toEqual([2]);
      expect(await found(`resource_id=${both[1].id}`)).toEqual([3]);
      expect(await found('status=cancelled')).toEqual([4]);
      expect(await found('status=scheduled,%20cancelled')).toEqual([0, 1, 2, 3, 4]);
      expect(await found('status=arrived,ready')).toEqual([]);
      const pages = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body } = await get(`/api/appointments?tutor_id=${mine.tutor.id}&limit=2${cursor && `&cursor=${cursor}`}`);
        pages.push(body.data.map((row: Row) => rows.findIndex(({ id }) => id === row.id)));
        cursor = body.meta.next_cursor;
      }
      expect(pages).toEqual([[0, 1], [2, 3], [4]]);
    });

    test('between moments, from inclusive and to exclusive, or from a moment to a day’s end', async () => {
      const between = (from: string, to: string) => found(new URLSearchParams({ from, to }).toString());
      expect(await between(rows[1].starts_at, rows[2].starts_at)).toEqual([1]);
      expect(await between('2027-03-01T17:30:00-03:00', '2027-03-02T08:00:00.001-03:00')).toEqual([1, 2, 3]);
      expect(await between(at('2027-03-01', '17:31'), '2027-03-02')).toEqual([2, 3]);
      expect(await between('2027-03-02', at('2027-03-03', '17:00'))).toEqual([2, 3]);
      expect(await between(rows[0].starts_at, rows[0].starts_at)).toEqual([]);
      expect(await found(`from=${rows[4].starts_at}`)).toEqual([4]);
      const moment = await get(`/api/appointments?tutor_id=${mine.tutor.id}&from=${rows[0].starts_at}&to=${rows[0].starts_at}`);
      expect(moment.headers.get('x-cache')).toBeNull();
    });

    test('by change', async () => {
      // Changes are stamped by the database's clock; a pause, so that no two have the same millisecond.
      const change = async (row: Row) => {
        await sleep(5);
        return (await make(app, 'PATCH', `/api/appointments/${row.id}`, { notes: 'x' })).updated_at;
      };
      const [second, first, third] = [await change(rows[1]), await change(rows[0]), await change(rows[2])];
      expect(await found(`updated_since=${second}`)).toEqual([1, 0, 2]);
      expect(await found(`updated_since=${first}&limit=1`)).toEqual([0]);
      expect(await found(`updated_since=${third}`)).toEqual([2]);
    });

    test('refuses what it does not understand', async () => {
      for (const [query, field] of [
        ['status=open', 'status'],
        ['from=2027-02-31', 'from'],
        ['from=2027-03-02&to=2027-03-01', 'to'],
        ['from=2027-03-02T00:00:01Z&to=2027-03-02T00:00:00Z', 'to'],
        ['from=2027-03-02T12:00:00Z&to=2027-03-01', 'to'],
        ['from=2027-03-02T12:00:00', 'from'],
        ['to=2027-03-02T25:00:00Z', 'to'],
        ['tutor_id=7', 'tutor_id'],
        ['cursor=x', 'cursor'],
        ['colour=blue', 'colour'],
      ]) {
        const answer = await get(`/api/appointments?${query}`);
        expect([answer.status, faults(answer)], query).toEqual([422, [field]]);
      }
    });

    test('costs as many statements for one row as for many', async () => {
      const cost = async (query: string) => {
        app.statements();
        const { body } = await get(`/api/appointments?${query}`);
        return [body.data.length, app.statements().filter(({ text }) => /from (appointments|appointment_resources|settings)/.test(text)).length];
      };
      const window = 'from=2027-03-01&to=2027-03-31';
      expect([await cost(`${window}&limit=1`), await cost(`${window}&limit=100`), await cost(`${window}&status=ready`)]).toEqual([
        [1, 3],
        [5, 3],
        [0, 3],
      ]);
    });
  });

  test('a tutor’s day is cached until anything in it changes', async () => {
    const { tutor, pet, ids } = await makeVisitor(app);
    const bath = await makeService(app, { name: 'Banho de gato' });
    const day = async (date = '2027-03-10') => {
      const answer = await get(`/api/appointments?tutor_id=${tutor.id}&from=${date}&to=${date}`);
      return { cache: answer.headers.get('x-cache'), rows: answer.body.data, meta: answer.body.meta };
    };
    expect(await day()).toMatchObject({ cache: 'MISS', rows: [], meta: { next_cursor: null } });
    expect(await day()).toMatchObject({ cache: 'HIT', rows: [], meta: { next_cursor: null } });
    const row = await book(app, { ...ids, service_id: bath.id, starts_at: at('2027-03-10', '08:00') });
    expect(await day()).toMatchObject({ cache: 'MISS', rows: [row] });
    expect(await day()).toMatchObject({ cache: 'HIT', rows: [row] });

    const steps: [string, () => Promise<unknown>, object | undefined][] = [
      ['notes', () => patch(row.id, { notes: 'x' }), { notes: 'x' }],
      ['time', () => patch(row.id, { starts_at: at('2027-03-10', '09:00') }), { starts_at: at('2027-03-10', '09:00') }],
      ['pet', () => make(app, 'PATCH', `/api/pets/${pet.id}`, { name: 'Nina' }), { pet_name: 'Nina' }],
      ['tutor', () => make(app, 'PATCH', `/api/tutors/${tutor.id}`, { name: 'Outra' }), { tutor_name: 'Outra' }],
      ['service', () => make(app, 'PATCH', `/api/services/${bath.id}`, { name: 'Banho seco' }), { service_name: 'Banho seco' }],
      ['resource', () => make(app, 'PATCH', `/api/resources/${row.resources[0].id}`, { name: 'Pia' }), { resources: [{ name: 'Pia' }] }],
      ['status', () => patch(row.id, { status: 'cancelled', cancel_reason: 'chuva' }), { status: 'cancelled', cancel_reason: 'chuva' }],
      ['zone', () => make(app, 'PATCH', '/api/settings/profile', { timezone: 'America/Sao_Paulo' }), {}],
      ['delete', () => app.call('DELETE', `/api/appointments/${row.id}`), undefined],
    ];
    for (const [name, change, expected] of steps) {
      expect((await day()).rows, name).toHaveLength(1);
      await change();
      expect(await day(), name).toMatchObject({ cache: 'MISS', rows: expected ? [expected] : [] });
      expect((await day()).cache, name).toBe('HIT');
    }
    const filtered = await get(`/api/appointments?tutor_id=${tutor.id}&from=2027-03-10&to=2027-03-10&status=scheduled`);
    expect(filtered.headers.get('x-cache')).toBeNull();
  });

  test('a day that does not fit on one page is paged, not cut', async () => {
    const { tutor, ids } = await makeVisitor(app);
    const hall = await makeResource(app, { capacity: 30 });
    const daycare = await makeService(app, { resources: [hall.id] });
    for (let i = 0; i < 26; i++) await book(app, { ...ids, service_id: daycare.id, starts_at: at('2027-03-11', '08:00') });
    const first = await get(`/api/appointments?tutor_id=${tutor.id}&from=2027-03-11&to=2027-03-11`);
    expect(first.body.data).toHaveLength(25);
    const rest = await get(`/api/appointments?tutor_id=${tutor.id}&from=2027-03-11&to=2027-03-11&cursor=${first.body.meta.next_cursor}`);
    expect([rest.body.data.length, rest.body.meta.next_cursor]).toEqual([1, null]);
  });

  describe('removing', () => {
    test('what never began goes, and its place is free again', async () => {
      const { ids } = await makeVisitor(app);
      const wish = { ...ids, service_id: service.id, starts_at: at('2027-02-05', '08:00') };
      const row = await book(app, wish);
      const stale = await app.call('DELETE', `/api/appointments/${row.id}`, undefined, { 'if-match': '2' });
      expect([stale.status, stale.body.code]).toEqual([412, 'VERSION_MISMATCH']);
      expect((await app.call('DELETE', `/api/appointments/${row.id}`, undefined, { 'if-match': '1' })).status).toBe(204);
      expect((await app.call('DELETE', `/api/appointments/${row.id}`)).status).toBe(404);
      expect((await get(`/api/appointments/${row.id}`)).status).toBe(404);
      await book(app, wish);
    });

    test('what has begun or is billed stays', async () => {
      const { tutor, ids } = await makeVisitor(app);
      const row = await book(app, { ...ids, service_id: service.id, starts_at: at('2027-02-05', '09:00') });
      await app.db.run(
        sql`insert into payments (id, appointment_id, method, status, amount_cents, created_at, updated_at) values (${UNKNOWN}, ${row.id}, 'pix', 'pending', 100, ${app.clock.now()}, ${app.clock.now()})`,
      );
      const cancel = `PATCH /api/appointments/${row.id} {"status": "cancelled"}`;
      const refused = async (status: string, archive: string | null) => {
        const answer = await app.call('DELETE', `/api/appointments/${row.id}`);
        expect([answer.status, answer.body.code, answer.body.details]).toEqual([409, 'IN_USE', { status, archive }]);
      };
      await refused('scheduled', cancel);
      await app.db.run(sql`delete from payments where id = ${UNKNOWN}`);
      for (const [status, archive] of [
        ['in_service', cancel],
        ['completed', null],
      ] as const) {
        await make(app, 'PATCH', `/api/appointments/${row.id}`, { status });
        await refused(status, archive);
      }
      const inUse = await app.call('DELETE', `/api/tutors/${tutor.id}`);
      expect([inUse.status, inUse.body.code]).toEqual([409, 'IN_USE']);
    });
  });
});
