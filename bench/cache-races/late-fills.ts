/**
 * A reader misses on one instance and reads version 1; before its answer comes, a writer commits version 2 through the other one; then
 * the reader stores what it has. Forced by holding PostgreSQL's answers back; that it was is told by the refused fills.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { countRow, type Row } from '../harness.ts';
import { startFaults } from '../redis-faults.ts';
import { change, onRedis, overviewOf, profileOf, type Scene, versionIn } from './scene.ts';

const AT_ONCE = 16;
/** How long a batch waits for its readers to reach the database, and for its writers, before it goes on unforced. */
const PATIENCE_MS = 250;
const ASK_EVERY = 8;

export async function lateFills(scene: Scene, wanted: number): Promise<Row[]> {
  const { a, b, redis } = scene;
  const faults = startFaults(redis, scene.faultsEveryMs);
  const refusedBefore = await b.metric('cache_fills_refused_total');
  let races = 0;
  let refused = 0;
  let stale = 0;
  try {
    for (let batch = 0; (refused < wanted || !faults.all()) && races < wanted * 2 + 1_000; batch++) {
      stale += await race(scene, scene.freshIds(AT_ONCE), batch);
      races += AT_ONCE;
      if (batch % ASK_EVERY === 0) refused = (await b.metric('cache_fills_refused_total')) - refusedBefore;
    }
  } finally {
    await faults.stop();
  }
  await onRedis(a, b);
  refused = (await b.metric('cache_fills_refused_total')) - refusedBefore;
  const { flushed, frozen, killed } = faults.counts;
  return [
    countRow(
      'late-fill races: old values read afterwards, on both instances',
      stale,
      0,
      `${races} races, Redis flushed ${flushed}, frozen ${frozen}, killed ${killed} times`,
    ),
    { what: 'of these, races where the old value came to be stored and was refused', figure: String(refused), goal: `≥ ${wanted}`, reached: refused >= wanted },
  ];
}

/** Some tutors at once; half of them read the profile, half the customer's view. How many old values were read when all was over. */
async function race({ a, b, wires }: Scene, ids: readonly string[], turn: number): Promise<number> {
  const path = (id: string, i: number) => (i % 2 === 0 ? profileOf(id) : overviewOf(id));
  wires.b.hold();
  const readers = ids.map((id, i) => b.call('GET', path(id, i)));
  const late = performance.now() + PATIENCE_MS;
  while (wires.b.held() < ids.length && performance.now() < late) await sleep(1);
  const writers = ids.map((id, i) => change(a, id, turn, i % 4 > 1));
  await Promise.race([Promise.all(writers), sleep(PATIENCE_MS)]);
  wires.b.release();
  const acknowledged = await Promise.all(writers);
  for (const answer of await Promise.all(readers)) versionIn(answer);
  let stale = 0;
  for (const instance of [b, a]) {
    const seen = await Promise.all(ids.map((id, i) => instance.call('GET', path(id, i))));
    stale += seen.filter((answer, i) => versionIn(answer) < acknowledged[i]!).length;
  }
  return stale;
}
