import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { createPostgres, type TestDatabase } from './cache.fixtures.ts';
import { invalidationRow, purgeInvalidations, readInvalidations } from './invalidation-log.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createPostgres();
  db = database.open();
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

/** A transaction that has written its row and waits. */
async function openRow(topic: string) {
  let commit = () => {};
  let wrote = () => {};
  const written = new Promise<void>((resolve) => (wrote = resolve));
  const gate = new Promise<void>((resolve) => (commit = resolve));
  const done = db.tx(async (tx: Tx) => {
    await tx.run(invalidationRow([topic], 'i'));
    wrote();
    await gate;
  });
  await written;
  return async () => {
    commit();
    await done;
  };
}

test('rows that become visible out of order are each read once, also those begun before the reader was', async () => {
  const commitFirst = await openRow('first');
  await db.run(invalidationRow(['second', 'x'], 'i'));
  const { topics, reader } = await readInvalidations(db, 60);
  expect(topics).toEqual(['second', 'x']);
  const commitThird = await openRow('third');
  await expect(
    db.tx(async (tx) => {
      await tx.run(invalidationRow(['never'], 'i'));
      throw new Error('rolled back');
    }),
  ).rejects.toThrow('rolled back');
  await db.run(invalidationRow(['fifth'], 'i'));
  expect(await reader.next()).toEqual(['fifth']);
  await commitThird();
  expect(await reader.next()).toEqual(['third']);
  await commitFirst();
  expect(await reader.next()).toEqual(['first']);
  expect(await reader.next()).toEqual([]);
});

test('a reader starts with what is not too old, over more than a page, and old rows are purged', async () => {
  await db.run(sql`delete from cache_invalidations`);
  await db.run(invalidationRow(['old'], 'i'));
  await db.run(sql`update cache_invalidations set created_at = ${'2020-01-01T00:00:00.000Z'}`);
  await db.tx(async (tx) => {
    for (let i = 0; i < 1_200; i++) await tx.run(invalidationRow([`t${i}`], 'i'));
  });
  const { topics, reader } = await readInvalidations(db, 3_600);
  expect(topics).toHaveLength(1_200);
  expect(await reader.next()).toEqual([]);
  await purgeInvalidations(db, 3_600);
  expect(await db.first(sql`select count(*) as left from cache_invalidations`)).toEqual({ left: 1_200 });
});
