/** Reads on the other instance, begun the moment a write was acknowledged. */
import { countRow, type Row } from '../harness.ts';
import { startFaults } from '../redis-faults.ts';
import { change, onRedis, overviewOf, profileOf, type Scene, versionIn } from './scene.ts';

const WORKERS = 16;

export async function readAfterWrite(scene: Scene, wanted: number): Promise<Row[]> {
  const { a, b, redis } = scene;
  const faults = startFaults(redis, scene.faultsEveryMs);
  let [reads, stale, hits, slowest] = [0, 0, 0, 0];
  let writing = true;
  const worker = async (id: string) => {
    for (let turn = 0; writing; turn++) {
      const [writer, reader] = turn % 2 === 0 ? [a, b] : [b, a];
      const version = await change(writer, id, turn, turn % 3 === 0);
      const answer = await reader.call('GET', turn % 4 < 2 ? profileOf(id) : overviewOf(id));
      if (versionIn(answer) < version) stale++;
      if (answer.headers['x-cache'] === 'HIT') hits++;
      slowest = Math.max(slowest, answer.ms);
      if (++reads >= wanted && faults.all()) writing = false;
    }
  };
  try {
    await Promise.all(
      scene.freshIds(WORKERS).map((id) =>
        worker(id).catch((error: unknown) => {
          writing = false;
          throw error;
        }),
      ),
    );
  } finally {
    writing = false;
    await faults.stop();
  }
  await onRedis(a, b);
  const { flushed, frozen, killed } = faults.counts;
  return [
    countRow(
      'reads on the other instance right after an acknowledged write: old values',
      stale,
      0,
      `${reads} reads, ${hits} hits, Redis flushed ${flushed}, frozen ${frozen}, killed ${killed} times`,
    ),
    { what: 'the slowest of these reads, ms', figure: slowest.toFixed(0), goal: '-', reached: null },
  ];
}
