import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startOn, makePlace, modes } from '../../../test/support/app.ts';
import { systemClock } from '../clock.ts';
import type { Database } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { createLog } from '../log.ts';
import { createJobs, type JobHandler, type NewJob } from './jobs.ts';
import { createWorker, type Worker, type WorkerParts } from './worker.ts';

const lines: string[] = [];
const log = createLog({ level: 'info', instance: 'test', destination: { write: (line: string) => void lines.push(line) } });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
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

  const jobs = createJobs();
  const workerOf = (handlers: readonly JobHandler[], options: Partial<WorkerParts> = {}) => {
    const made = createWorker({ db, handlers, clock: systemClock, log, pollMs: 20, ...options });
    running.push(made);
    return made;
  };
  const worker = (run: JobHandler['run'], options: Partial<WorkerParts> = {}) => workerOf([{ kind: 'work', run }], options);
  const add = (more: Partial<NewJob> = {}) => db.tx((tx) => jobs.enqueue(tx, { kind: 'work', payload: {}, run_at: PAST, ...more }));
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
        await jobs.enqueue(tx, { kind: 'work', payload: { n: 1 } });
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

  test('two workers side by side run each of 200 jobs once', async () => {
    const ids = await db.tx(async (tx) => {
      const added: string[] = [];
      for (let i = 0; i < 200; i++) added.push((await jobs.enqueue(tx, { kind: 'work', payload: {}, run_at: PAST })).id);
      return added;
    });
    const taken: string[] = [];
    const run: JobHandler['run'] = ({ trace }) => {
      taken.push(trace);
      return Promise.resolve(undefined);
    };
    const counts = await Promise.all([1, 2].map(() => workerOf([{ kind: 'work', concurrency: 4, urgent: true, run }]).drain()));
    expect(counts.reduce((a, b) => a + b)).toBe(200);
    expect(taken.sort()).toEqual(ids.map((id) => `job:${id}`).sort());
    expect(await db.all(sql`select 1 as x from jobs where status = 'done' and attempts = 1`)).toHaveLength(200);
  });

  test('no kind runs more often than it says, and what is not urgent leaves half of the slots free', async () => {
    const now: Record<string, number> = {};
    const most: Record<string, number> = {};
    const count = (what: string, by: number) => {
      now[what] = (now[what] ?? 0) + by;
      most[what] = Math.max(most[what] ?? 0, now[what]);
    };
    const gate = Promise.withResolvers<void>();
    const handler = (kind: string, concurrency: number, urgent = false): JobHandler => ({
      kind,
      concurrency,
      urgent,
      async run() {
        const names = [kind, 'all', ...(urgent ? [] : ['calm'])];
        for (const name of names) count(name, 1);
        await gate.promise;
        await pause(2);
        for (const name of names) count(name, -1);
        return undefined;
      },
    });
    const calm = [handler('one', 1), handler('three', 3), handler('many', 9)];
    // What is not urgent comes first here, and still leaves room.
    for (let i = 0; i < 12; i++) for (const { kind } of calm) await add({ kind, priority: 50 });
    for (let i = 0; i < 12; i++) await add({ kind: 'turn' });
    const drained = workerOf([...calm, handler('turn', 5, true)], { slots: 6 }).drain();
    await expect.poll(() => now).toMatchObject({ all: 6, calm: 3, turn: 3 });
    gate.resolve();
    expect(await drained).toBe(48);
    expect(most['one']).toBe(1);
    expect(most['three']).toBeLessThanOrEqual(3);
    expect(most['turn']).toBeLessThanOrEqual(5);
    expect(most).toMatchObject({ calm: 3, all: 6 });
  });

  test('an urgent job starts while slow ones fill all they may', async () => {
    const gate = Promise.withResolvers<undefined>();
    let slow = 0;
    const turned = Promise.withResolvers<void>();
    const mixed = workerOf([
      {
        kind: 'work',
        concurrency: 9,
        run() {
          slow++;
          return gate.promise;
        },
      },
      { kind: 'turn', urgent: true, run: () => Promise.resolve(turned.resolve()).then(() => undefined) },
    ]);
    for (let i = 0; i < 6; i++) await add();
    mixed.start();
    await expect.poll(() => slow).toBe(2);
    await add({ kind: 'turn' });
    await turned.promise;
    expect(slow).toBe(2);
    gate.resolve(undefined);
    await expect.poll(async () => (await db.all(sql`select 1 as x from jobs where status = 'ready'`)).length).toBe(0);
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

  test('each delay is longer than the last, up to an hour', async () => {
    const { id } = await add({ max_attempts: 30 });
    const failing = worker(() => Promise.reject(new Error('no')));
    const delays: number[] = [];
    for (const attempts of [0, 2, 4, 6, 20]) {
      await db.run(sql`update jobs set run_at = ${PAST}, attempts = ${attempts}`);
      await failing.drain();
      delays.push(Date.parse((await row(id)).run_at) - Date.now());
    }
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(delays[4]).toBeGreaterThan(1_500_000);
    expect(delays[4]).toBeLessThan(3_700_000);
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

  test('a job of several lease lengths runs once, and hears nothing', async () => {
    const { id } = await add();
    const gate = Promise.withResolvers<object>();
    let aborted = false;
    let runs = 0;
    const run: JobHandler['run'] = (_, __, { signal }) => {
      runs++;
      signal.addEventListener('abort', () => (aborted = true));
      return gate.promise;
    };
    const [one, other] = [worker(run, { leaseMs: 1_500 }), worker(run, { leaseMs: 1_500 })];
    one.start();
    await expect.poll(() => runs).toBe(1);
    const first = (await row(id)).locked_until!;
    other.start();
    // As long as three leases, by the rows themselves.
    await expect.poll(async () => Date.parse((await row(id)).locked_until!) - Date.parse(first), { timeout: 20_000 }).toBeGreaterThan(4_500);
    gate.resolve({ slow: true });
    await expect.poll(async () => (await row(id)).status).toBe('done');
    expect({ runs, aborted }).toEqual({ runs: 1, aborted: false });
    expect(await row(id)).toMatchObject({ attempts: 1, result: { slow: true }, locked_until: null });
  });

  test('a handler whose lease was lost is told, and its end counts for nothing', async () => {
    const { id } = await add();
    const started = Promise.withResolvers<void>();
    const told = Promise.withResolvers<string>();
    const gate = Promise.withResolvers<object>();
    const losing = worker(
      (_, __, { signal }) => {
        signal.addEventListener('abort', () => told.resolve((signal.reason as Error).message));
        started.resolve();
        return gate.promise;
      },
      { leaseMs: 1_500 },
    ).drain();
    await started.promise;
    // Another took it, as when this process had stood still.
    await db.run(sql`update jobs set lock_token = 'another', attempts = 2, locked_until = '2099-01-01T00:00:00.000Z'`);
    expect(await told.promise).toContain('lost');
    gate.resolve({ by: 'loser' });
    await losing;
    expect(await row(id)).toMatchObject({ status: 'ready', attempts: 2, result: null, locked_until: '2099-01-01T00:00:00.000Z' });
    expect(lines.join('')).toContain('its result was dropped');
  });

  test('a job whose workers die at it is taken up by others, and after its attempts is dead', async () => {
    const { id } = await add({ max_attempts: 2 });
    // A dead process: what it claimed stays claimed, and it never says another word to the database.
    const silent: Database = { ...db, run: () => new Promise(() => undefined) };
    let runs = 0;
    const dies: JobHandler['run'] = () => {
      runs++;
      return new Promise(() => undefined);
    };
    for (let death = 1; death <= 2; death++) {
      const dying = createWorker({ db: silent, handlers: [{ kind: 'work', run: dies }], clock: systemClock, log, pollMs: 20, leaseMs: 300 });
      dying.start();
      await expect.poll(() => runs, { timeout: 10_000 }).toBe(death);
      void dying.stop();
    }
    worker(dies).start();
    await expect.poll(async () => (await row(id)).status, { timeout: 10_000 }).toBe('dead');
    expect(runs).toBe(2);
    expect((await row(id)).last_error).toContain('died');
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

  test('a worker looks at once when woken, and one loop stays one', async () => {
    let most = 0;
    let now = 0;
    const gate: (() => void)[] = [];
    const sleepy = worker(
      async () => {
        most = Math.max(most, ++now);
        await new Promise<void>((resolve) => gate.push(resolve));
        now--;
        return undefined;
      },
      { pollMs: 3_600_000 },
    );
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

  test('a commit that enqueued wakes the worker, a rollback does not, and without a wake the poll finds it', async () => {
    const ran: unknown[] = [];
    const run: JobHandler['run'] = (_, { n }) => {
      ran.push(n);
      return Promise.resolve(undefined);
    };
    const waking = createJobs();
    let wakes = 0;
    const sleepy = worker(run, { pollMs: 3_600_000 });
    waking.onEnqueued(() => {
      wakes++;
      sleepy.wake();
    });
    sleepy.start();
    await db
      .tx(async (tx) => {
        await waking.enqueue(tx, { kind: 'work', payload: { n: 'undone' } });
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(wakes).toBe(0);
    await db.tx(async (tx) => {
      await waking.enqueue(tx, { kind: 'work', payload: { n: 'woken' } });
      expect(wakes).toBe(0);
    });
    await expect.poll(() => ran).toEqual(['woken']);
    expect(wakes).toBe(1);
    await sleepy.stop();
    worker(run).start();
    await add({ payload: { n: 'polled' } });
    await expect.poll(() => ran).toEqual(['woken', 'polled']);
  });

  test('a stop beyond its grace tells the handlers, and what they leave is as if never tried', async () => {
    const { id } = await add({ max_attempts: 1 });
    const started = Promise.withResolvers<void>();
    const one = worker(
      (_, __, { signal }) => {
        started.resolve();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      },
      { graceMs: 10 },
    );
    one.start();
    await started.promise;
    await one.stop();
    expect(await row(id)).toMatchObject({ status: 'ready', attempts: 0, locked_until: null, last_error: null });
    expect(await worker(() => Promise.resolve(undefined)).drain()).toBe(1);
    expect((await row(id)).status).toBe('done');
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
