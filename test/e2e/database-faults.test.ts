/** A PostgreSQL that stops, crashes, freezes and loses sessions under load: clean refusals, nothing acknowledged is lost, back by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres } from '../../server/platform/db/postgres.ts';
import { sql } from '../../server/platform/db/sql.ts';
import { type Answer, startOn, type TestApp } from '../support/app.ts';
import { makeTutor } from '../support/clinic.ts';
import { expectRefusal } from './expectations.ts';
import { makePostgres, type OwnPostgres } from './own-postgres.ts';

/** A deadline no caller gives up before. */
const DEADLINE_MS = 8_000;

describe('faults of the database', () => {
  let postgres: OwnPostgres;
  let app: TestApp;
  beforeAll(async () => {
    postgres = await makePostgres();
    await postgres.start();
    app = await startOn({ env: { DATABASE_URL: postgres.url }, remove: () => Promise.resolve() });
  });
  afterAll(async () => {
    await postgres.start().catch(() => undefined);
    await app.close();
    await postgres.remove();
  });

  /** Creates and changes tutors from six clients until told to stop; afterwards every answer is judged. */
  async function load() {
    const tutors = await Promise.all(Array.from({ length: 6 }, () => makeTutor(app)));
    let going = true;
    const created = new Set<string>();
    const notes = new Map<string, string>();
    const refused: Answer[] = [];
    let slowest = 0;
    const timed = async (...call: Parameters<typeof app.call>) => {
      const started = performance.now();
      const answer = await app.call(...call);
      slowest = Math.max(slowest, performance.now() - started);
      if (answer.status >= 400) refused.push(answer);
      return answer;
    };
    const client = async (i: number) => {
      const mine = tutors[i].id as string;
      for (let n = 0; going; n++) {
        const made = await timed('POST', '/api/tutors', { name: 'Carga', phone: `+551${i + 1}9${String(Math.trunc(Math.random() * 1e8)).padStart(8, '0')}` });
        if (made.status === 201) created.add(made.body.data.id);
        const changed = await timed('PATCH', `/api/tutors/${mine}`, { notes: `nota ${n}` });
        if (changed.status === 200) notes.set(mine, `nota ${n}`);
        await timed('GET', `/api/tutors/${mine}`);
        await sleep(2);
      }
    };
    const clients = tutors.map((_, i) => client(i));
    return {
      async stop() {
        going = false;
        await Promise.all(clients);
        for (const answer of refused) {
          // A phone made up twice is the only refusal that is not the fault's.
          if (answer.status === 409) continue;
          expectRefusal(answer, 503, 'UNAVAILABLE');
          expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        }
        const stored = new Map((await app.db.all<{ id: string; notes: string | null }>(sql`select id, notes from tutors`)).map((row) => [row.id, row.notes]));
        expect([...created].filter((id) => !stored.has(id))).toEqual([]);
        for (const [id, note] of notes) {
          // A change whose answer was lost may have happened; one that was acknowledged has.
          expect(Number(stored.get(id)!.slice(5)), note).toBeGreaterThanOrEqual(Number(note.slice(5)));
          expect((await app.call('GET', `/api/tutors/${id}`)).body.data.notes).toBe(stored.get(id));
        }
        return { acknowledged: created.size, refused: refused.length, slowest };
      },
    };
  }

  async function recovers(): Promise<number> {
    const started = performance.now();
    while ((await app.call('GET', '/health/ready')).status !== 200 || (await app.call('GET', '/api/tutors?limit=1')).status !== 200) {
      if (performance.now() - started > 10_000) throw new Error('it did not recover');
      await sleep(20);
    }
    return performance.now() - started;
  }

  test.each(['fast', 'immediate'] as const)('a restart (%s): 503 with Retry-After meanwhile, health says which part, back within two seconds', async (how) => {
    const under = await load();
    await sleep(300);
    await postgres.stop(how);
    await sleep(200);
    const ready = await app.call('GET', '/health/ready');
    expectRefusal(ready, 503, 'UNAVAILABLE');
    expect(ready.body.details).toMatchObject({ status: 'unavailable', database: { state: 'down', engine: 'postgresql' }, cache: { using: 'memory' } });
    expect((await app.call('GET', '/health/live')).status).toBe(200);
    await sleep(200);
    await postgres.start();
    expect(await recovers()).toBeLessThan(2_000);
    await sleep(200);
    const { acknowledged, refused } = await under.stop();
    expect(acknowledged).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
    expect(app.db.engine).toBe('postgresql');
  });

  test('sessions killed in a storm: nothing acknowledged is lost', async () => {
    const under = await load();
    const killer = openPostgres({ url: postgres.url, poolMax: 1, applicationName: 'killer', onError: () => undefined });
    for (let i = 0; i < 20; i++) {
      await killer.all(sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'caramelo%' and pid <> pg_backend_pid()`);
      await sleep(50);
    }
    await killer.close();
    await recovers();
    const { acknowledged } = await under.stop();
    expect(acknowledged).toBeGreaterThan(0);
  });

  test('frozen for three seconds: health answers meanwhile, every call ends by its deadline', async () => {
    const under = await load();
    await sleep(200);
    postgres.signal('SIGSTOP');
    const started = performance.now();
    expectRefusal(await app.call('GET', '/health/ready'), 503, 'UNAVAILABLE');
    expect(performance.now() - started).toBeLessThan(3_000);
    await sleep(Math.max(0, 3_000 - (performance.now() - started)));
    postgres.signal('SIGCONT');
    await recovers();
    const { slowest } = await under.stop();
    expect(slowest).toBeLessThan(DEADLINE_MS);
  });

  test('frozen for good: a write that began answers 503 by its deadline, and the pool is usable afterwards', async () => {
    const tutor = await makeTutor(app);
    const holder = openPostgres({ url: postgres.url, poolMax: 1, applicationName: 'holder', onError: () => undefined });
    // A session that holds the row's lock: the write waits, then gives up.
    let letGo: () => void = () => undefined;
    const held = holder.tx(async (tx) => {
      await tx.run(sql`update tutors set notes = 'segura' where id = ${tutor.id}`);
      await new Promise<void>((resolve) => (letGo = resolve));
    });
    await sleep(50);
    const started = performance.now();
    const waiting = app.call('PATCH', `/api/tutors/${tutor.id}`, { notes: 'minha' });
    expect((await app.call('GET', '/api/tutors?limit=1')).status).toBe(200);
    expectRefusal(await waiting, 503, 'UNAVAILABLE');
    expect(performance.now() - started).toBeLessThan(DEADLINE_MS);
    letGo();
    await held;
    await holder.close();
    expect((await app.call('PATCH', `/api/tutors/${tutor.id}`, { notes: 'minha' })).body.data.notes).toBe('minha');

    postgres.signal('SIGSTOP');
    try {
      const frozen = performance.now();
      const calls = await Promise.all([
        app.call('GET', '/api/tutors?limit=1'),
        app.call('PATCH', `/api/tutors/${tutor.id}`, { notes: 'outra' }),
        app.call('POST', '/api/tutors', { name: 'Eva', phone: '+5511911112222' }),
      ]);
      expect(performance.now() - frozen).toBeLessThan(DEADLINE_MS);
      for (const answer of calls) expectRefusal(answer, 503, 'UNAVAILABLE');
    } finally {
      postgres.signal('SIGCONT');
    }
    await recovers();
    expect((await app.call('PATCH', `/api/tutors/${tutor.id}`, { notes: 'depois' })).body.data.notes).toBe('depois');
  });
});
