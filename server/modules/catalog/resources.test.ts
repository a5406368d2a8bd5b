import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemCtx } from '#platform/ctx';
import type { AppError } from '#platform/errors';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { createResourcesService } from './resources.service.ts';

describe.each(modes)('resources on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const create = async (body: object) => (await app.call('POST', '/api/resources', body)).body.data;

  test('a name is enough; everything else can be said', async () => {
    expect(await create({ name: 'Dra. Lia' })).toMatchObject({
      name: 'Dra. Lia',
      kind: 'other',
      capacity: 1,
      hours: null,
      external_id: null,
      archived_at: null,
      version: 1,
    });
    const { status, body } = await app.call('POST', '/api/resources', {
      name: 'Sala 1',
      kind: 'room',
      capacity: 3,
      hours: { mon: ['08:00-12:00', '13:00-24:00'], sat: [] },
      external_id: 'room-1',
    });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({
      kind: 'room',
      capacity: 3,
      external_id: 'room-1',
      hours: { mon: ['08:00-12:00', '13:00-24:00'], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] },
    });
    expect((await app.call('GET', `/api/resources/${body.data.id}`)).body.data).toEqual(body.data);
    expect((await app.call('PATCH', `/api/resources/${body.data.id}`, { hours: body.data.hours, kind: 'tub' })).body.data).toMatchObject({
      hours: body.data.hours,
      kind: 'tub',
    });
    expect((await app.call('PATCH', `/api/resources/${body.data.id}`, { hours: null })).body.data).toMatchObject({ hours: null, version: 3 });
  });

  test.each([
    ['capacity', { capacity: 0 }],
    ['capacity', { capacity: 101 }],
    ['kind', { kind: 'garden' }],
    ['hours.monday', { hours: { monday: ['08:00-12:00'] } }],
    ['hours.mon.0', { hours: { mon: ['8-12'] } }],
    ['hours.mon.0', { hours: { mon: ['12:00-08:00'] } }],
    ['hours.tue', { hours: { tue: ['13:00-18:00', '08:00-12:00'] } }],
    ['hours.tue', { hours: { tue: ['08:00-12:00', '11:00-18:00'] } }],
    ['hours', { hours: 'always' }],
  ])('a fault is named: %s', async (field, more) => {
    const { status, body } = await app.call('POST', '/api/resources', { name: 'Defeituosa', ...more });
    expect([status, body.details.fields.map((f: { field: string }) => f.field)]).toEqual([422, [field]]);
  });

  test('the list knows kinds, names and pages, and is cached', async () => {
    for (const name of ['Tosador João', 'Tosador Zé']) await create({ name, kind: 'groomer' });
    const read = () => app.call('GET', '/api/resources?kind=groomer&q=tosador');
    const first = await read();
    expect(first.body.data.map((row: { name: string }) => row.name)).toEqual(['Tosador Zé', 'Tosador João']);
    expect([first.headers.get('x-cache'), (await read()).headers.get('x-cache')]).toEqual(['MISS', 'HIT']);
    expect((await app.call('GET', '/api/resources?kind=groomer&limit=1')).body.meta.next_cursor).toEqual(expect.any(String));
  });

  test('one that a service needs is archived, not removed', async () => {
    const { id } = await create({ name: 'Banheira fixa' });
    const service = await app.call('POST', '/api/services', { name: 'Banho fixo', duration_minutes: 30, price_cents: 1, resources: [id] });
    const refused = await app.call('DELETE', `/api/resources/${id}`);
    expect([refused.status, refused.body.code, refused.body.details.archive]).toEqual([409, 'IN_USE', `PATCH /api/resources/${id} {"archived": true}`]);
    await app.call('DELETE', `/api/services/${service.body.data.id}`);
    expect((await app.call('DELETE', `/api/resources/${id}`)).status).toBe(204);
    expect((await app.call('GET', `/api/resources/${id}`)).status).toBe(404);
  });

  test('the capacity never falls below what bookings to come hold', async () => {
    const { id } = await create({ name: 'Canil', capacity: 5 });
    const writer = { write: (_ctx, _change, fn) => app.db.tx(fn) } as Writer;
    const asked: string[] = [];
    const resources = createResourcesService({
      db: app.db,
      writer,
      readList: () => Promise.reject(new Error('no list here')),
      occupied: async (_db, resourceId) => (asked.push(resourceId), 3),
    });
    const ctx = systemCtx(app.clock.now(), 'test');
    const refused = await resources.update(ctx, id, { capacity: 2 }).catch((error: AppError) => error);
    expect(refused).toMatchObject({ code: 'IN_USE', details: { field: 'capacity', needed: 3 } });
    expect(await resources.get(ctx, id)).toMatchObject({ capacity: 5, version: 1 });
    expect(await resources.update(ctx, id, { capacity: 3 })).toMatchObject({ capacity: 3, version: 2 });
    expect(await resources.update(ctx, id, { name: 'Canil grande' })).toMatchObject({ name: 'Canil grande' });
    expect(asked).toEqual([id, id]);
    await expect(resources.update(ctx, newId(), { capacity: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
