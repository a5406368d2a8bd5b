/** No change overwrites one it did not see; a list shows every row once, whatever happens meanwhile, at the same number of statements. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addMs } from '../../server/platform/clock.ts';
import { identifier, sql } from '../../server/platform/db/sql.ts';
import { newId } from '../../server/platform/ids.ts';
import { type Answer, modes, startApp, type TestApp } from '../support/app.ts';
import type { Row } from '../support/clinic.ts';
import { expectRefusal } from './expectations.ts';
import { type ListedRoute, listRoutes } from './route-list.ts';
import { contents } from './tables.ts';
import { bodies, makeWorld, pathOf, type World } from './world.ts';

describe.each(modes)('versions on $engine + $cache', (mode) => {
  let app: TestApp;
  let world: World;
  let updatable: ListedRoute[];
  beforeAll(async () => {
    app = await startApp(mode);
    world = await makeWorld(app);
    updatable = (await listRoutes(app)).filter(({ method, path }) => method === 'PATCH' && path !== '/api/auth/me');
  });
  afterAll(() => app.close());

  const change = (route: ListedRoute, version: number | string, body = bodies(world)[route.name]!()) =>
    app.call('PATCH', pathOf(route, world), body, { 'if-match': String(version) });
  /** The version now, as a change that asks for none leaves it. */
  const versionOf = async (route: ListedRoute): Promise<number> =>
    (await app.call('PATCH', pathOf(route, world), bodies(world)[route.name]!())).body.data.version;

  test('If-Match: the version seen is changed, another one is 412 and stays as it is', async () => {
    for (const route of updatable) {
      const seen = await versionOf(route);
      expect(seen, route.name).toBeGreaterThan(0);
      for (const spelling of [`${seen}`, `"${seen + 1}"`, `W/"${seen + 2}"`, '*']) {
        const answer = await change(route, spelling);
        expect({ route: route.name, spelling, status: answer.status }, answer.text).toEqual({ route: route.name, spelling, status: 200 });
      }
      const now = seen + 4;
      const before = await contents(app.db);
      for (const stale of [now - 1, now + 1, 0, 999_999_999]) expectRefusal(await change(route, stale), 412, 'VERSION_MISMATCH');
      expect(await contents(app.db)).toEqual(before);
      expect(await versionOf(route), route.name).toBe(now + 1);
    }
  });

  test('of writers that saw the same version one wins', async () => {
    for (const route of updatable) {
      const seen = await versionOf(route);
      const answers = await Promise.all(Array.from({ length: 8 }, () => change(route, seen)));
      expect({ route: route.name, statuses: answers.map(({ status }) => status).sort() }).toEqual({
        route: route.name,
        statuses: [200, ...Array.from({ length: 7 }, () => 412)],
      });
      expect(await versionOf(route)).toBe(seen + 2);
    }
  });

  test('writers that did not look count one after another: no change is lost', async () => {
    for (const route of updatable) {
      const seen = await versionOf(route);
      const answers = await Promise.all(Array.from({ length: 4 }, () => app.call('PATCH', pathOf(route, world), bodies(world)[route.name]!())));
      expect(
        answers.map(({ status }) => status),
        route.name,
      ).toEqual([200, 200, 200, 200]);
      // An answer may show a later change than its own, never one that is not there.
      for (const { body } of answers) expect(body.data.version, route.name).toBeGreaterThan(seen);
      expect(await versionOf(route), route.name).toBe(seen + 5);
    }
  });

  test('a removal that saw an older version is 412 and removes nothing', async () => {
    const removable = (await listRoutes(app)).filter(({ method, path }) => method === 'DELETE' && updatable.some((route) => route.path === path));
    expect(removable.length).toBeGreaterThan(10);
    const before = await contents(app.db);
    for (const route of removable) expectRefusal(await app.call('DELETE', pathOf(route, world), undefined, { 'if-match': '999999' }), 412, 'VERSION_MISMATCH');
    expect(await contents(app.db)).toEqual(before);
  });
});

/** A list of the API, the table behind it, and what must differ from row to row. */
interface List {
  path: string;
  table: string;
  fresh?: (i: number) => object;
  /** Rows that must be there first, with the same id. */
  parents?: string[];
  key?: string;
}

const LISTS: List[] = [
  { path: '/api/tutors', table: 'tutors', parents: ['user_profiles'] },
  { path: '/api/customers', table: 'tutors', parents: ['user_profiles'] },
  { path: '/api/tutors/{id}/pets', table: 'pets', fresh: () => ({ external_id: null }) },
  { path: '/api/pets/{id}/guardians', table: 'pet_guardians', key: 'person_id', parents: ['user_profiles', 'tutors'] },
  { path: '/api/services', table: 'services' },
  { path: '/api/products', table: 'products' },
  { path: '/api/resources', table: 'resources' },
  {
    path: '/api/appointments',
    table: 'appointments',
    fresh: (i) => ({
      starts_at: addMs('2027-02-02T12:00:00.000Z', Math.floor(i / 7) * 3_600_000),
      ends_at: addMs('2027-02-02T13:00:00.000Z', Math.floor(i / 7) * 3_600_000),
    }),
  },
  { path: '/api/orders', table: 'orders', fresh: (i) => ({ number: 1_000 + i }) },
  { path: '/api/users', table: 'console_users', fresh: (i) => ({ email: `u${i}-${newId()}@clinica.test` }) },
  { path: '/api/api-keys', table: 'api_keys', fresh: (i) => ({ key_digest: newId(), origin: 'created', name: `k${i}` }) },
];

describe.each(modes)('pages on $engine + $cache', (mode) => {
  let app: TestApp;
  let world: World;
  let serial = 0;
  beforeAll(async () => {
    app = await startApp(mode);
    world = await makeWorld(app);
    await app.call('POST', `/api/pets/${world.pet.id}/guardians`, { person_id: world.other.id });
    await app.db.run(
      sql`insert into orders (id, number, user_id, status, created_at, updated_at) values (${newId()}, 1, ${world.tutor.id}, 'draft', ${app.clock.now()}, ${app.clock.now()})`,
    );
  });
  afterAll(() => app.close());

  /** Copies a row of the list `n` times, each with an id of its own, in one transaction. */
  async function multiply({ table, fresh, parents = [], key = 'id' }: List, n: number): Promise<string[]> {
    const ids = Array.from({ length: n }, newId);
    await app.db.tx(async (tx) => {
      const copy = async (into: string, column: string, id: string, more: object) => {
        // The first row made is the one in use by the tests.
        const row = {
          ...(await tx.first<Row>(sql`select * from ${identifier(into)} order by created_at, ${identifier(column)} limit 1`)),
          ...more,
          [column]: id,
        };
        await tx.run(sql`insert into ${identifier(into)} (${sql.join(Object.keys(row).map(identifier))}) values (${sql.join(Object.values(row))})`);
      };
      for (const id of ids) {
        serial++;
        for (const parent of parents)
          await copy(parent, 'id', id, parent === 'user_profiles' ? { phone_number: `+551194${String(serial).padStart(7, '0')}`, external_id: null } : {});
        await copy(table, key, id, { ...fresh?.(serial) });
      }
    });
    // What is cached about the catalogue goes, as any change of it makes it go.
    for (const [path, row] of [
      ['services', world.service],
      ['products', world.product],
      ['resources', world.resource],
    ] as const)
      await app.call('PATCH', `/api/${path}/${row.id}`, { name: row.name });
    return ids;
  }

  const idOf =
    (list: List) =>
    (row: Row): string =>
      row[list.key ?? 'id'];
  const pageUrl = (list: List, query: string) => `${pathOf({ path: list.path }, world)}?${query}`;

  async function walk(list: List, query: string, between: () => Promise<unknown> = () => Promise.resolve()): Promise<string[]> {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const answer: Answer = await app.call('GET', pageUrl(list, `${query}${cursor && `&cursor=${cursor}`}`));
      expect(answer.status, `${list.path}: ${answer.text}`).toBe(200);
      seen.push(...(answer.body.data as Row[]).map(idOf(list)));
      cursor = answer.body.meta.next_cursor;
      if (cursor !== null) await between();
      expect(seen.length).toBeLessThan(1_000);
    }
    return seen;
  }

  test('every list that pages is among those tried here', async () => {
    expect(
      (await listRoutes(app))
        .filter(({ paged }) => paged)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(LISTS.map(({ path }) => path).sort());
  });

  async function statementsFor(list: List): Promise<{ rows: number; statements: string[] }> {
    // Nothing else runs for this caller but what it asks, once its key is known.
    await app.call('GET', '/api/auth/me');
    app.statements();
    const answer = await app.call('GET', pageUrl(list, 'limit=100'));
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers.get('x-cache'), list.path).not.toBe('HIT');
    const statements = app
      .statements()
      .map(({ text }) => text)
      .filter((text) => !/\b(jobs|instances|cache_invalidations|key_digest = )\b/.test(text));
    return { rows: answer.body.data.length, statements };
  }

  test('a list costs the same statements for one row and for a hundred', async () => {
    const few = new Map<string, { rows: number; statements: string[] }>();
    for (const list of LISTS) few.set(list.path, await statementsFor(list));
    for (const list of LISTS) await multiply(list, 110);
    for (const list of LISTS) {
      const many = await statementsFor(list);
      expect(few.get(list.path)!.rows, list.path).toBeGreaterThan(0);
      expect(few.get(list.path)!.rows, list.path).toBeLessThan(5);
      expect(many.rows, list.path).toBe(100);
      expect({ path: list.path, statements: many.statements.length }).toEqual({ path: list.path, statements: few.get(list.path)!.statements.length });
      expect(many.statements.length).toBeLessThanOrEqual(4);
    }
  });

  test('pages show every row once while rows are added', async () => {
    for (const list of LISTS) {
      const start = new Set(await walk(list, 'limit=100'));
      expect(start.size, list.path).toBeGreaterThan(100);
      const seen = await walk(list, 'limit=17', () => multiply(list, 1));
      expect(new Set(seen).size, list.path).toBe(seen.length);
      expect(
        [...start].filter((id) => !seen.includes(id)),
        list.path,
      ).toEqual([]);
      const sizes = await Promise.all([1, 100].map(async (limit) => (await app.call('GET', pageUrl(list, `limit=${limit}`))).body.data.length));
      expect(sizes).toEqual([1, 100]);
      expect((await app.call('GET', pageUrl(list, ''))).body.data.length).toBe(25);
    }
  });

  test('updated_since: what changed since, oldest change first, each row once', async () => {
    const routes = await listRoutes(app);
    const known = LISTS.filter(({ path }) =>
      routes.find((route) => route.method === 'GET' && route.path === path)!.query.some(({ name }) => name === 'updated_since'),
    );
    expect(known.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        '/api/tutors',
        '/api/customers',
        '/api/services',
        '/api/products',
        '/api/resources',
        '/api/appointments',
        '/api/orders',
        '/api/users',
      ]),
    );
    for (const list of known) {
      const all = await walk(list, 'limit=40&updated_since=2020-01-01T00:00:00Z');
      expect(new Set(all).size, list.path).toBe(all.length);
      expect(all.length).toBeGreaterThan(100);
      app.clock.advance(60_000);
      const since = app.clock.now();
      const changed = all.slice(3, 60);
      await app.db.tx(async (tx) => {
        for (const [i, id] of changed.entries()) await tx.run(sql`update ${identifier(list.table)} set updated_at = ${addMs(since, i * 10)} where id = ${id}`);
      });
      expect(await walk(list, `limit=20&updated_since=${since}`), list.path).toEqual(changed);
      expect(await walk(list, `limit=20&updated_since=${addMs(since, 3_600_000)}`)).toEqual([]);
    }
  });

  test('a cursor of one order is none of the other', async () => {
    for (const path of ['/api/tutors', '/api/products', '/api/appointments']) {
      const { body } = await app.call('GET', `${path}?limit=5`);
      const crossed = await app.call('GET', `${path}?limit=5&updated_since=2020-01-01T00:00:00Z&cursor=${body.meta.next_cursor}`);
      // Appointments are ordered by time and id both ways, so theirs looks alike.
      if (path !== '/api/appointments') expectRefusal(crossed, 422, 'VALIDATION_FAILED');
      else expect(crossed.status).toBe(200);
    }
  });
});
