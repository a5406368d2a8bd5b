/** A thousand readers over two instances miss at once: how often the row is asked for, counted on the way to PostgreSQL. */
import { setTimeout as sleep } from 'node:timers/promises';
import { countRow, type Row } from '../harness.ts';
import { growth, profileOf, type Scene, versionIn } from './scene.ts';

const READERS = 1_000;
/** The row's answer stays held for so long that all readers come while the first load is under way; below the patience of a waiting reader. */
const HOLD_MS = 500;

export async function stampede(scene: Scene, bursts: number): Promise<Row[]> {
  const { a, b } = scene;
  const asked: number[] = [];
  let misses = 0;
  const loads = await growth('cache_loads_total', [a, b], async () => {
    for (let burst = 0; burst < bursts; burst++) {
      const seen = await burstOfMisses(scene);
      asked.push(seen.asked);
      misses += seen.misses;
    }
  });
  const most = Math.max(...asked);
  return [
    countRow(
      `${READERS} simultaneous misses over two instances: statements that ask PostgreSQL for the row, at most`,
      most,
      1,
      `${bursts} bursts, ${Math.round(misses / bursts)} misses each`,
    ),
    countRow(`loads the instances counted in ${bursts} bursts`, loads, bursts),
  ];
}

async function burstOfMisses({ a, b, wires, freshIds }: Scene): Promise<{ asked: number; misses: number }> {
  const id = freshIds(1)[0]!;
  // The caller's key is known for a second after it was used.
  await Promise.all([a, b].map((instance) => instance.call('GET', '/health/live')));
  const ways = [wires.a, wires.b];
  const counts = ways.map((wire) => wire.holdAnswersTo(id));
  const readers = Array.from({ length: READERS }, (_, i) => (i % 2 === 0 ? a : b).call('GET', profileOf(id)));
  await sleep(HOLD_MS);
  // Stops the holding, not the watching: whoever still asks late is counted too.
  for (const wire of ways) wire.release();
  const answers = await Promise.all(readers);
  for (const answer of answers) if (versionIn(answer) !== 1) throw new Error('another row came back');
  return { asked: counts.reduce((sum, count) => sum + count(), 0), misses: answers.filter(({ headers }) => headers['x-cache'] === 'MISS').length };
}
