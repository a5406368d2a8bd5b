/** One instance loses Redis, refused at first and then unanswered; how long the others still show what it has overwritten. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../server/platform/cache/cache.fixtures.ts';
import type { Row } from '../harness.ts';
import type { Instance } from '../instance.ts';
import { change, onRedis, profileOf, type Scene, versionIn } from './scene.ts';

const WRITERS = 8;
const LOOK_EVERY_MS = 4;
const GIVE_UP_MS = 10_000;

export async function cutOff({ a, b, wires, freshIds }: Scene, c: Instance, writes: number): Promise<Row[]> {
  const others = [a, b];
  const seen: Seen[] = [];
  for (const lose of [() => wires.redis.cut(), () => wires.redis.hold(true)]) {
    await onRedis(a, b, c);
    const ids = freshIds(WRITERS);
    for (const id of ids) await Promise.all(others.map((other) => other.call('GET', profileOf(id))));
    // The first writes begin before the loss is noticed.
    lose();
    await Promise.all(
      ids.map(async (id) => {
        for (let turn = 0; turn < writes / 2 / WRITERS; turn++) seen.push(await followed(c, others, id, turn));
      }),
    );
    if ((await c.metric('cache_using_redis')) !== 0) throw new Error('it was not cut off');
    for (const other of others) if ((await other.metric('cache_using_redis')) !== 1) throw new Error('the others lost Redis too');
    wires.redis.join();
    wires.redis.release();
  }
  await until(async () => (await c.metric('cache_using_redis')) === 1);
  const longest = Math.max(...seen.map(({ afterAnswer }) => afterAnswer));
  return [
    {
      what: `${seen.length} writes by an instance cut off from Redis: longest an old value was still read elsewhere, ms after the answer`,
      figure: longest.toFixed(0),
      goal: '≤ 1000',
      reached: longest <= 1_000,
    },
    {
      what: 'the same from the moment the write was sent; the slowest write, ms',
      figure: `${Math.max(...seen.map(({ afterSent }) => afterSent)).toFixed(0)}, ${Math.max(...seen.map(({ took }) => took)).toFixed(0)}`,
      goal: '-',
      reached: null,
    },
  ];
}

interface Seen {
  /** Milliseconds after which a read that shows the old value was begun at the latest; 0: none. */
  afterAnswer: number;
  afterSent: number;
  took: number;
}

/** Writes on `c`, and reads on the others from then on until both show it. */
async function followed(c: Instance, others: readonly Instance[], id: string, turn: number): Promise<Seen> {
  const sent = performance.now();
  const writing = change(c, id, turn, turn % 2 === 0);
  let answered = Infinity;
  let version = Infinity;
  const noted = writing.then((acknowledged) => {
    version = acknowledged;
    answered = performance.now();
  });
  /** When the last read began that showed less than was acknowledged in the end. */
  const lastOld = async (other: Instance) => {
    let last = sent;
    for (;;) {
      const began = performance.now();
      const shown = versionIn(await other.call('GET', profileOf(id)));
      if (version !== Infinity && shown >= version) return last;
      last = began;
      if (began - sent > GIVE_UP_MS) throw new Error(`${id} is still old after ${GIVE_UP_MS} ms`);
      await sleep(LOOK_EVERY_MS);
    }
  };
  const lasts = await Promise.all(others.map(lastOld));
  await noted;
  const last = Math.max(...lasts);
  return { afterAnswer: Math.max(0, last - answered), afterSent: last - sent, took: answered - sent };
}
