/**
 * What every write costs in round trips to PostgreSQL, `begin` and `commit` counted: one table, kept by this test.
 * A figure that grew is either a mistake or a decision; a decision changes the table.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modes, startApp, type TestApp } from '../support/app.ts';
import { at, makePet, makeResource, makeService, makeTutor, type Row } from '../support/clinic.ts';
import { makeWorld, type World } from './world.ts';

interface Write {
  what: string;
  trips: number;
  /** Rows the call needs; not counted. */
  given?: (app: TestApp, world: World) => Promise<Row>;
  call: (world: World, row: Row) => [method: string, path: string, body?: object, headers?: Record<string, string>];
}

const visit = (world: World, hour: string) => ({
  tutor_id: world.tutor.id,
  pet_id: world.pet.id,
  service_id: world.service.id,
  starts_at: at('2027-02-04', hour),
});
const bookAt = (hour: string) => async (app: TestApp, world: World) => (await app.call('POST', '/api/appointments', visit(world, hour))).body.data;

const writes: Write[] = [
  { what: 'change a tutor', trips: 1, call: (w) => ['PATCH', `/api/tutors/${w.tutor.id}`, { notes: 'Prefere a tarde' }] },
  { what: 'rename a tutor', trips: 1, call: (w) => ['PATCH', `/api/tutors/${w.tutor.id}`, { name: 'Ana' }] },
  { what: 'change a tutor’s phone', trips: 8, call: (w) => ['PATCH', `/api/tutors/${w.tutor.id}`, { phone: '11 97000-4321' }] },
  { what: 'create a tutor', trips: 7, call: () => ['POST', '/api/tutors', { name: 'Nova', phone: '11 97000-4322' }] },
  {
    what: 'create a tutor, with an Idempotency-Key',
    trips: 9,
    call: () => ['POST', '/api/tutors', { name: 'Nova', phone: '11 97000-4323' }, { 'idempotency-key': 'uma-vez-so' }],
  },
  { what: 'delete a tutor', trips: 7, given: (app) => makeTutor(app), call: (_w, row) => ['DELETE', `/api/tutors/${row.id}`] },
  { what: 'create a pet', trips: 6, call: (w) => ['POST', `/api/tutors/${w.tutor.id}/pets`, { name: 'Mel', species: 'dog' }] },
  { what: 'change a pet', trips: 8, call: (w) => ['PATCH', `/api/pets/${w.pet.id}`, { notes: 'Manso' }] },
  { what: 'delete a pet', trips: 8, given: (app, w) => makePet(app, w.tutor.id), call: (_w, row) => ['DELETE', `/api/pets/${row.id}`] },
  { what: 'add a guardian', trips: 10, call: (w) => ['POST', `/api/pets/${w.pet.id}/guardians`, { person_id: w.other.id }] },
  { what: 'remove a guardian', trips: 9, call: (w) => ['DELETE', `/api/pets/${w.pet.id}/guardians/${w.other.id}`] },
  { what: 'create a customer', trips: 12, call: () => ['POST', '/api/customers', { name: 'Bia' }] },
  { what: 'record a consent', trips: 7, call: (w) => ['POST', `/api/customers/${w.tutor.id}/consents`, { purpose: 'reminders', granted: true }] },
  {
    what: 'merge two people',
    trips: 26,
    given: (app) => makeTutor(app),
    call: (w, row) => ['POST', `/api/customers/${w.other.id}/merge`, { from_id: row.id }],
  },
  { what: 'ask for an erasure', trips: 5, given: (app) => makeTutor(app), call: (_w, row) => ['DELETE', `/api/customers/${row.id}?erase=true`] },
  { what: 'create a service', trips: 12, call: () => ['POST', '/api/services', { name: 'Tosa', duration_minutes: 60, price_cents: 7000 }] },
  { what: 'change a service', trips: 7, call: (w) => ['PATCH', `/api/services/${w.service.id}`, { description: 'Com água morna' }] },
  { what: 'delete a service', trips: 5, given: (app) => makeService(app), call: (_w, row) => ['DELETE', `/api/services/${row.id}`] },
  { what: 'create a product', trips: 5, call: () => ['POST', '/api/products', { name: 'Coleira', price_cents: 8990 }] },
  { what: 'change a product', trips: 5, call: (w) => ['PATCH', `/api/products/${w.product.id}`, { stock_quantity: 3 }] },
  { what: 'create a resource', trips: 5, call: () => ['POST', '/api/resources', { name: 'Sala 2' }] },
  { what: 'change a resource', trips: 7, call: (w) => ['PATCH', `/api/resources/${w.resource.id}`, { capacity: 2 }] },
  { what: 'delete a resource', trips: 5, given: (app) => makeResource(app), call: (_w, row) => ['DELETE', `/api/resources/${row.id}`] },
  { what: 'change a section of the settings', trips: 6, call: () => ['PATCH', '/api/settings/profile', { about: 'Desde 1998' }] },
  { what: 'create a closed day', trips: 5, call: () => ['POST', '/api/settings/closed-days', { date: '2027-05-04', name: 'Reforma' }] },
  { what: 'change a closed day', trips: 5, call: (w) => ['PATCH', `/api/settings/closed-days/${w.closedDay.id}`, { name: 'Obra' }] },
  { what: 'book a visit', trips: 12, call: (w) => ['POST', '/api/appointments', visit(w, '10:00')] },
  {
    what: 'move a visit',
    trips: 17,
    given: bookAt('11:00'),
    call: (_w, row) => ['PATCH', `/api/appointments/${row.id}`, { starts_at: at('2027-02-04', '12:00') }],
  },
  { what: 'confirm a visit', trips: 10, given: bookAt('13:00'), call: (_w, row) => ['PATCH', `/api/appointments/${row.id}`, { status: 'confirmed' }] },
  { what: 'cancel a visit', trips: 11, given: bookAt('14:00'), call: (_w, row) => ['PATCH', `/api/appointments/${row.id}`, { status: 'cancelled' }] },
  { what: 'delete a visit', trips: 10, given: bookAt('15:00'), call: (_w, row) => ['DELETE', `/api/appointments/${row.id}`] },
  {
    what: 'create a console user',
    trips: 4,
    call: () => ['POST', '/api/users', { email: 'nova@clinica.test', name: 'Nova', role: 'viewer', password: 'senha-comprida-1' }],
  },
  { what: 'create an API key', trips: 4, call: () => ['POST', '/api/api-keys', { name: 'painel', scopes: ['reports:read'] }] },
];

describe.each(modes.filter((mode) => mode.engine === 'postgresql'))('round trips on $engine + $cache', (mode) => {
  let app: TestApp;
  let world: World;
  beforeAll(async () => {
    app = await startApp(mode, { env: { ROLES: 'api' } });
    world = await makeWorld(app);
  });
  afterAll(() => app.close());

  test('of every write are those of the table', async () => {
    const found: Record<string, number> = {};
    for (const write of writes) {
      const row = await write.given?.(app, world);
      app.statements();
      const [method, path, body, headers] = write.call(world, row);
      const answer = await app.call(method, path, body, headers);
      expect({ what: write.what, ok: answer.status < 300, text: answer.status < 300 ? '' : answer.text }).toEqual({ what: write.what, ok: true, text: '' });
      found[write.what] = app.statements().length;
    }
    expect(found).toEqual(Object.fromEntries(writes.map(({ what, trips }) => [what, trips])));
  });

  test('covers every resource that can be written', async () => {
    const { body } = await app.call('GET', '/api/openapi.json');
    const resources = (paths: string[]) => [...new Set(paths.map((path) => /^\/api\/[^/?]+/.exec(path)![0]))].toSorted();
    const writable = Object.entries(body.paths as Record<string, object>).flatMap(([path, calls]) =>
      ['post', 'patch', 'delete'].some((method) => method in calls) ? [path] : [],
    );
    const covered = writes.map((write) => write.call(world, world.tutor)[1]);
    // Logging in and out is counted by nobody: its cost is the password's hash.
    expect(resources(covered)).toEqual(resources(writable).filter((path) => path !== '/api/auth'));
  });
});
