import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startOn, makePlace, modes } from '../../../test/support/app.ts';
import { systemClock } from '../clock.ts';
import type { Database } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { createLog } from '../log.ts';
import { enqueue, type JobHandler, type NewJob } from './jobs.ts';
import { createWorker, type Worker } from './worker.ts';

const lines: string[] = [];
const log = createLog({ level: 'info', instance: 'test', destination: { write: (line: string) => void lines.push(line) } });
const PAST = '2020-01-01T00:00:00.000Z';

describe.each(modes)('jobs on $engine', (mode) => {
  let db: Database;
  let close: () => Promise<void>;
  let running: Worker[] = [];
  beforeAll(async () => {
    const place = await makePlace({ ...mode, cache: 'memory' });
    // Its own worker takes no part.
    const app = await startOn(place, { env: { ROLES: 'api' } });
    db = app.db;
    close = async () => {
      await app.close();
      await place.remove();
    };
  });
  afterAll(() => close());
  afterEach(async () => {
    await Promise.all(running.map((worker) => worker.stop()));
    running = [];
    await db.run(sql`delete from jobs`);
    lines.length = 0;
  });

  const worker = (run: JobHandler['run'], pollMs = 20) => {
    const made = createWorker({ db, handlers: [{ kind: 'work', run }], clock: systemClock, log, pollMs });
    running.push(made);
    return made;
  };
  const add = (more: Partial<NewJob> = {}) => db.tx((tx) => enqueue(tx, { kind: 'work', payload: {}, run_at: PAST, ...more }));
  interface Row {
    status: string;
    attempts: number;
    last_error: string | null;
    result: object | null;
    run_at: string;
    locked_until: string | null;
    finished_at: string | null;
  }
  const row = async (id: string) =>
    (await db.first<Row>(sql`select status, attempts, last_error, result, run_at, locked_until, finished_at from jobs where id = ${id}`))!;
  const expireLeases = () => db.run(sql`update jobs set locked_until = ${PAST}`);
  const dueNow = () => db.run(sql`update jobs set run_at = ${PAST}`);

  test('a job exists exactly when its cause does', async () => {
    const ran: unknown[] = [];
    await db
      .tx(async (tx) => {
        await enqueue(tx, { kind: 'work', payload: { n: 1 } });
        throw new Error('no');
      })
      .catch(() => undefined);
    const { id } = await add({ payload: { n: 2, nested: { ids: ['a'] } } });
    const done = await worker((_, payload) => {
      ran.push(payload);
      return Promise.resolve({ made: true });
    }).drain();
    expect([done, ran]).toEqual([1, [{ n: 2, nested: { ids: ['a'] } }]]);
    expect(await row(id)).toMatchObject({
      status: 'done',
      attempts: 1,
      result: { made: true },
      last_error: null,
      locked_until: null,
      finished_at: expect.stringMatching(/Z$/),
    });
  });

  test('workers side by side take each job once', async () => {
    const ids = [];
    for (let i = 0; i < 40; i++) ids.push((await add()).id);
    const taken: string[] = [];
    const workers = Array.from({ length: 4 }, () =>
      worker(({ trace }) => {
        taken.push(trace);
        return Promise.resolve(undefined);
      }),
    );
    const counts = await Promise.all(workers.map((one) => one.drain()));
    expect(counts.reduce((a, b) => a + b)).toBe(40);
    expect(taken.sort()).toEqual(ids.map((id) => `job:${id}`).sort());
  });

  test('lower priority first, then the oldest; none before its time', async () => {
    const order: unknown[] = [];
    await add({ payload: { n: 'late' }, run_at: '2020-01-02T00:00:00.000Z' });
    await add({ payload: { n: 'early' } });
    await add({ payload: { n: 'urgent' }, priority: 1, run_at: '2020-01-03T00:00:00.000Z' });
    await add({ payload: { n: 'future' }, priority: 0, run_at: '2099-01-01T00:00:00.000Z' });
    await worker((_, { n }) => {
      order.push(n);
      return Promise.resolve(undefined);
    }).drain();
    expect(order).toEqual(['urgent', 'early', 'late']);
  });

  test('a dedupe key is taken once, also at once and after it is done', async () => {
    const same = await Promise.all(Array.from({ length: 8 }, () => add({ dedupe_key: 'one' })));
    expect(new Set(same.map(({ id }) => id)).size).toBe(1);
    let runs = 0;
    const one = worker(() => {
      runs++;
      return Promise.resolve(undefined);
    });
    await one.drain();
    expect(await add({ dedupe_key: 'one' })).toEqual({ id: same[0]!.id, status: 'done' });
    await one.drain();
    expect(runs).toBe(1);
  });

  test('a failure comes back later and later, then stays dead with its reason, told once as an error', async () => {
    const { id } = await add({ max_attempts: 3 });
    const failing = worker(() => Promise.reject(new Error('printer on fire, call +55 11 98765-4321')));
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await dueNow();
      expect(await failing.drain()).toBe(1);
      const after = await row(id);
      expect(after).toMatchObject({ status: attempt < 3 ? 'ready' : 'dead', attempts: attempt, locked_until: null });
      delays.push(Date.parse(after.run_at) - Date.now());
      expect(await failing.drain()).toBe(0);
    }
    expect(delays[0]).toBeGreaterThan(0);
    expect(delays[1]).toBeGreaterThan(1_000);
    const dead = await row(id);
    expect(dead.last_error).toBe('printer on fire, call [digits]');
    expect(dead.finished_at).not.toBeNull();
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['warn', 'warn', 'error']);
    await dueNow();
    expect(await failing.drain()).toBe(0);
  });

  test('one bad job holds up no other', async () => {
    await add({ payload: { bad: true }, priority: 1 });
    await add({ kind: 'unknown' });
    const good = await add();
    await worker((_, { bad }) => (bad ? Promise.reject(new Error('bad')) : Promise.resolve(undefined))).drain();
    expect((await row(good.id)).status).toBe('done');
    expect(await db.all(sql`select status from jobs where status = 'ready'`)).toHaveLength(2);
  });

  test('a worker that froze past its lease can no longer finish what another took', async () => {
    const { id } = await add();
    const gate = Promise.withResolvers<object>();
    const started = Promise.withResolvers<void>();
    const frozen = worker(() => {
      started.resolve();
      return gate.promise;
    }).drain();
    await started.promise;
    const other = worker(() => Promise.resolve({ by: 'other' }));
    expect(await other.drain()).toBe(0);
    await expireLeases();
    expect(await other.drain()).toBe(1);
    gate.resolve({ by: 'frozen' });
    await frozen;
    expect(await row(id)).toMatchObject({ status: 'done', attempts: 2, result: { by: 'other' } });
    // Nor may it put back what the other finished.
    await db.run(sql`update jobs set status = 'ready', attempts = 0`);
    const late = Promise.withResolvers<undefined>();
    const began = Promise.withResolvers<void>();
    const again = worker(() => {
      began.resolve();
      return late.promise;
    }).drain();
    await began.promise;
    await expireLeases();
    expect(await other.drain()).toBe(1);
    late.reject(new Error('too late'));
    await again;
    expect(await row(id)).toMatchObject({ status: 'done', last_error: null });
  });

  test('a job that takes its process down every time ends dead, not running', async () => {
    const { id } = await add({ max_attempts: 2 });
    // As two workers leave it that died at it.
    await db.run(sql`update jobs set attempts = 2, lock_token = 'gone', locked_until = ${PAST}`);
    let runs = 0;
    await worker(() => {
      runs++;
      return Promise.resolve(undefined);
    }).drain();
    expect(runs).toBe(0);
    expect((await row(id)).status).toBe('dead');
  });

  test('it polls, looks at once when woken, and one loop stays one', async () => {
    let most = 0;
    let now = 0;
    const gate: (() => void)[] = [];
    const sleepy = worker(async () => {
      most = Math.max(most, ++now);
      await new Promise<void>((resolve) => gate.push(resolve));
      now--;
      return undefined;
    }, 3_600_000);
    sleepy.start();
    await expect.poll(() => gate.length).toBe(0);
    for (let i = 0; i < 3; i++) await add();
    // The first look may still be under way: a wake is remembered.
    sleepy.wake();
    for (let i = 0; i < 3; i++) {
      await expect.poll(() => gate.length).toBe(1);
      for (let n = 0; n < 5; n++) sleepy.wake();
      gate.pop()!();
    }
    await expect.poll(async () => (await db.all(sql`select 1 as x from jobs where status = 'ready'`)).length).toBe(0);
    expect(most).toBe(1);
  });

  test('a stop waits for the running job and takes no other', async () => {
    for (let i = 0; i < 5; i++) await add();
    const gate = Promise.withResolvers<undefined>();
    const started = Promise.withResolvers<void>();
    let runs = 0;
    const one = worker(() => {
      runs++;
      started.resolve();
      return gate.promise;
    });
    one.start();
    await started.promise;
    const stopped = one.stop();
    gate.resolve(undefined);
    await stopped;
    expect(runs).toBe(1);
    expect(await db.all(sql`select 1 as x from jobs where status = 'ready' and locked_until is null`)).toHaveLength(4);
  });
});
