/** When a row was made or changed is told by the database's clock, whatever the instance that served the call believes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../server/platform/db/database.ts';
import { dbNow } from '../../server/platform/db/dialect.ts';
import { byEngine, identifier, sql } from '../../server/platform/db/sql.ts';
import { modes, startApp, type TestApp } from '../support/app.ts';
import { make, makeTutor, type Row } from '../support/clinic.ts';
import { listRoutes } from './route-list.ts';
import { bodies, makeWorld, pathOf } from './world.ts';

const columns = byEngine({
  postgresql: sql`select table_name, column_name from information_schema.columns where table_schema = 'public' and data_type = 'timestamp with time zone'`,
  sqlite: sql`select m.name as table_name, c.name as column_name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and c.type = 'timestamptz'`,
});

/** What people plan, not what has happened. */
const PLANNED = new Set(['starts_at', 'ends_at', 'busy_from', 'busy_to', 'expires_at', 'hold_expires_at', 'locked_until', 'resets_at', 'run_at', 'due_at']);

/** Which columns hold a moment the database has not reached yet. */
async function ahead(db: Database): Promise<string[]> {
  const found: string[] = [];
  for (const { table_name, column_name } of await db.all<{ table_name: string; column_name: string }>(columns)) {
    if (PLANNED.has(column_name)) continue;
    const column = identifier(column_name);
    const row = await db.first(sql`select ${column} as moment from ${identifier(table_name)} where ${column} > ${dbNow} limit 1`);
    if (row) found.push(`${table_name}.${column_name}`);
  }
  return found;
}

describe.each(modes)('ages of rows on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  test('an instance whose clock is ahead writes no row from the future', async () => {
    const world = await makeWorld(app);
    for (const route of await listRoutes(app)) {
      const body = bodies(world)[route.name];
      if (!body || /merge|auth/.test(route.path)) continue;
      const answer = await app.call(route.method, pathOf(route, world), body());
      expect(answer.status, `${route.name}: ${answer.text}`).toBeLessThan(300);
    }
    for (const [path, row] of [
      ['services', world.service],
      ['products', world.product],
      ['tutors', world.other],
      ['pets', world.pet],
    ] as const)
      await make(app, 'PATCH', `/api/${path}/${row.id}`, { archived: true });
    await make(app, 'PATCH', `/api/pets/${world.pet.id}`, { deceased: true });
    await make(app, 'PATCH', `/api/users/${world.user.id}`, { disabled: true });
    expect((await app.call('DELETE', `/api/api-keys/${world.apiKey.id}`)).status).toBe(204);
    const phone = { phone: '+5511955550001' };
    const [into, from] = [await makeTutor(app), await makeTutor(app, phone)];
    await make(app, 'POST', `/api/customers/${into.id}/merge`, { from_id: from.id });
    const erase = () => app.call('DELETE', `/api/customers/${into.id}?erase=true`);
    for (let answer = await erase(); answer.body.data.job.status !== 'done'; answer = await erase()) await sleep(20);
    expect(await ahead(app.db)).toEqual([]);
  });

  test('a new row was changed when it was made', async () => {
    const tutor = await makeTutor(app);
    expect(tutor.updated_at).toBe(tutor.created_at);
    const pet = await make(app, 'POST', `/api/tutors/${tutor.id}/pets`, { name: 'Rex', species: 'dog' });
    expect(pet.updated_at).toBe(pet.created_at);
  });

  test('a change that waited for another one is as old as it is done, so updated_since finds it', async () => {
    const [x, y] = [await makeTutor(app), await makeTutor(app)];
    const finished: Row[] = [];
    const change = async ({ id }: Row) => void finished.push(await make(app, 'PATCH', `/api/tutors/${id}`, { notes: 'mudou' }));
    let waiting: Promise<void> | undefined;
    await app.db.tx(async (tx) => {
      await tx.run(sql`update tutors set notes = 'antes' where id = ${x.id}`);
      waiting = change(x);
      await sleep(100);
      if (app.db.engine === 'postgresql') await change(y);
    });
    await waiting;
    if (app.db.engine === 'sqlite') await change(y);
    const [first, last] = finished as [Row, Row];
    expect(last.updated_at >= first.updated_at).toBe(true);
    const { body } = await app.call('GET', `/api/tutors?updated_since=${first.updated_at}`);
    expect(body.data.map((row: Row) => row.id)).toEqual([first.id, last.id]);
  });
});
