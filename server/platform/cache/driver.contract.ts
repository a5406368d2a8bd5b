/** What every cache driver keeps, whoever it is. Called once for each. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CacheDriver, Lease } from './driver.ts';
import { tokenSource } from './stamp.ts';

export interface DriverUnderTest {
  driver: CacheDriver;
  /** Everything is gone at once, as after FLUSHALL. */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

const HOUR = 3_600_000;
const stored = (text: string, ttlMs = HOUR) => ({ body: Buffer.from(text), ttlMs, refreshAt: 12_345.5 });

export function driverContract(name: string, open: () => Promise<DriverUnderTest>): void {
  describe(`${name} driver`, () => {
    let under: DriverUnderTest;
    let driver: CacheDriver;
    let count = 0;
    const token = tokenSource();
    /** A key and topics nobody else uses. */
    const fresh = (topics = 1) => ({ key: `k${++count}`, topics: Array.from({ length: topics }, (_, i) => `t${count}.${i}`) });
    const lease = async (key: string, topics: string[], renew?: boolean): Promise<Lease> => {
      const leased = await driver.lease(key, topics, renew);
      if (leased.kind !== 'lease') throw new Error(`no lease but ${leased.kind}`);
      return leased.lease;
    };
    const text = async (key: string, topics: string[]) => (await driver.get(key, topics))?.body.toString();
    const put = async (key: string, topics: string[], value: string) => driver.fill(await lease(key, topics), stored(value));

    beforeAll(async () => {
      under = await open();
      driver = under.driver;
    });
    afterAll(() => under.close());

    test('a filled value is found, byte for byte, with the time it is due', async () => {
      const { key, topics } = fresh(3);
      expect(await driver.get(key, topics)).toBeUndefined();
      expect(await put(key, topics, '{"nome":"Pão de Ló","n":[1,2]}')).toBe(true);
      const found = await driver.get(key, topics);
      expect(found).toMatchObject({ hit: true, refreshAt: 12_345.5 });
      expect(found!.body.toString()).toBe('{"nome":"Pão de Ló","n":[1,2]}');
      expect(await driver.lease(key, topics)).toEqual({ kind: 'found', body: found!.body });
    });

    test('a value without topics is found too', async () => {
      const { key } = fresh();
      await put(key, [], '1');
      expect(await text(key, [])).toBe('1');
    });

    test('a value expires', async () => {
      const { key, topics } = fresh();
      await driver.fill(await lease(key, topics), stored('1', 30));
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(await text(key, topics)).toBeUndefined();
    });

    test('a reader that makes it of fewer or of other topics does not take it for its own', async () => {
      const { key, topics } = fresh(2);
      await put(key, topics, '1');
      expect(await text(key, [topics[0]!])).toBeUndefined();
      await put(`${key}.other`, ['elsewhere'], '2');
      expect(await text(key, [topics[0]!, 'elsewhere'])).toBeUndefined();
    });

    test('a second asker hears that somebody is at it, and may when the first gave up', async () => {
      const { key, topics } = fresh();
      const first = await lease(key, topics);
      expect(await driver.lease(key, topics)).toEqual({ kind: 'busy' });
      await driver.release(first);
      expect(await put(key, topics, '2')).toBe(true);
      expect(await driver.fill(first, stored('1'))).toBe(false);
      expect(await text(key, topics)).toBe('2');
    });

    test('a renewal leases what is present, and the old value is found meanwhile', async () => {
      const { key, topics } = fresh();
      await put(key, topics, '1');
      const renewal = await lease(key, topics, true);
      expect(await driver.lease(key, topics, true)).toEqual({ kind: 'busy' });
      expect(await text(key, topics)).toBe('1');
      expect(await driver.fill(renewal, stored('2'))).toBe(true);
      expect(await text(key, topics)).toBe('2');
    });

    test('any topic takes the value away, and refuses a fill leased before', async () => {
      const { key, topics } = fresh(3);
      for (const topic of topics) {
        await put(key, topics, '1');
        const late = await lease(key, topics, true);
        await driver.settle([topic], token());
        expect(await text(key, topics)).toBeUndefined();
        expect(await driver.fill(late, stored('old'))).toBe(false);
        expect(await text(key, topics)).toBeUndefined();
      }
    });

    test('a lease from before a write does not keep others waiting', async () => {
      const { key, topics } = fresh();
      const late = await lease(key, topics);
      await driver.settle(topics, token());
      expect(await put(key, topics, 'new')).toBe(true);
      expect(await driver.fill(late, stored('old'))).toBe(false);
      expect(await text(key, topics)).toBe('new');
    });

    test('while closed nothing is found, leased or filled; with two writers until the second settles', async () => {
      const { key, topics } = fresh();
      await put(key, topics, '1');
      const late = await lease(key, topics, true);
      const [a, b] = [token(), token()];
      await driver.close(topics, a);
      await driver.close(topics, b);
      expect(await text(key, topics)).toBeUndefined();
      expect(await driver.lease(key, topics)).toEqual({ kind: 'closed' });
      expect(await driver.fill(late, stored('old'))).toBe(false);
      await driver.settle(topics, a);
      expect(await driver.lease(key, topics)).toEqual({ kind: 'closed' });
      await driver.settle(topics, b);
      await driver.settle(topics, b);
      expect(await put(key, topics, '2')).toBe(true);
    });

    test('a prefill is stored when nobody else wrote, and only for topics that were closed', async () => {
      const { key, topics } = fresh(2);
      const closer = token();
      await driver.close(topics, closer);
      const entries = [
        { key, topics, ...stored('new') },
        { key: `${key}.one`, topics: [topics[1]!], ...stored('one') },
        { key: `${key}.more`, topics: [...topics, 'catalog'], ...stored('more') },
      ];
      expect(await driver.settle(topics, closer, entries)).toBe(2);
      expect(await text(key, topics)).toBe('new');
      expect(await text(`${key}.one`, [topics[1]!])).toBe('one');
      expect(await text(`${key}.more`, [...topics, 'catalog'])).toBeUndefined();
    });

    test.each(['closed', 'closed and settled', 'settled', 'wiped'])('a prefill is refused when others %s meanwhile', async (what) => {
      const { key, topics } = fresh();
      const [mine, other] = [token(), token()];
      await driver.close(topics, mine);
      if (what.startsWith('closed')) await driver.close(topics, other);
      if (what.endsWith('settled')) await driver.settle(topics, other);
      if (what === 'wiped') await under.wipe();
      expect(await driver.settle(topics, mine, [{ key, topics, ...stored('x') }])).toBe(0);
      expect(await text(key, topics)).toBeUndefined();
    });

    test('a prefill is refused while another writer, who came before, has not settled: he may die after his commit', async () => {
      const { key, topics } = fresh();
      const [mine, other] = [token(), token()];
      await driver.close(topics, other);
      await driver.close(topics, mine);
      expect(await driver.settle(topics, mine, [{ key, topics, ...stored('x') }])).toBe(0);
      expect(await driver.lease(key, topics)).toEqual({ kind: 'closed' });
    });

    test('after a wipe at any point nothing old is found or filled', async () => {
      const { key, topics } = fresh();
      const late = await lease(key, topics);
      await under.wipe();
      expect(await driver.fill(late, stored('old'))).toBe(false);
      await put(key, topics, '1');
      await under.wipe();
      expect(await text(key, topics)).toBeUndefined();
    });

    test('raw values: set, get, expire, delete', async () => {
      const { key } = fresh();
      await driver.rawSet(key, Buffer.from([0, 255, 10]), HOUR);
      expect([...(await driver.rawGet(key))!]).toEqual([0, 255, 10]);
      await driver.rawDelete(key);
      expect(await driver.rawGet(key)).toBeUndefined();
      await driver.rawSet(key, 'x', 20);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await driver.rawGet(key)).toBeUndefined();
    });

    test('limits admit exactly so many, count nothing for the refused, and open again', async () => {
      const { key } = fresh();
      const ask = {
        keys: [
          { key: `${key}.ip`, limit: 10 },
          { key: `${key}.user`, limit: 4 },
        ],
        windowMs: 300,
      };
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => driver.admit(ask)));
      expect(verdicts.filter((v) => v.allowed).map((v) => v.remaining)).toEqual([3, 2, 1, 0]);
      for (const { allowed, retryAfterMs } of verdicts) expect(allowed ? retryAfterMs === 0 : retryAfterMs > 0 && retryAfterMs <= 300).toBe(true);
      const ip = { keys: [{ key: `${key}.ip`, limit: 10 }], windowMs: 300 };
      const more = await Promise.all(Array.from({ length: 10 }, () => driver.admit(ip)));
      expect(more.filter((v) => v.allowed)).toHaveLength(6);
      await new Promise((resolve) => setTimeout(resolve, 350));
      expect(await driver.admit(ask)).toEqual({ allowed: true, remaining: 3, retryAfterMs: 0 });
    });

    test('whatever the order of steps, nobody finds less than was acknowledged before', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => playSteps(driver, under.wipe, fresh(2), token, steps)),
        { numRuns: 150 },
      );
    });
  });
}

/** One step of one of six actors: readers miss, lease, load and fill; writers close, commit, settle or die. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('reader' as const), who: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ act: fc.constant('writer' as const), who: fc.nat(2), topic: fc.nat(1), prefill: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('look' as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('wipe' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The value is the pair of both topics' versions; the oracle is what was committed and what was acknowledged. */
async function playSteps(
  driver: CacheDriver,
  wipe: () => Promise<void>,
  { key, topics }: { key: string; topics: string[] },
  token: () => string,
  steps: Step[],
): Promise<void> {
  const committed = [0, 0];
  const acknowledged = [0, 0];
  const readers = new Map<number, { lease: Lease; loaded?: string }>();
  const writers = new Map<number, { closer: string; topic: number; version?: number }>();
  const check = (body: Buffer) => {
    const seen = JSON.parse(body.toString()) as number[];
    for (const i of [0, 1]) expect(seen[i]).toBeGreaterThanOrEqual(acknowledged[i]!);
  };
  for (const each of steps) {
    if (each.act === 'wipe') await wipe();
    else if (each.act === 'look') {
      const found = await driver.get(key, topics);
      if (found) check(found.body);
    } else if (each.act === 'reader') {
      const at = readers.get(each.who);
      if (!at) {
        const leased = await driver.lease(key, topics, each.who === 2);
        if (leased.kind === 'found') check(leased.body);
        if (leased.kind === 'lease') readers.set(each.who, { lease: leased.lease });
      } else if (at.loaded === undefined) at.loaded = JSON.stringify(committed);
      else {
        readers.delete(each.who);
        if (await driver.fill(at.lease, stored(at.loaded))) check(Buffer.from(at.loaded));
      }
    } else {
      const at = writers.get(each.who);
      if (!at) {
        const closer = token();
        await driver.close([topics[each.topic]!], closer);
        writers.set(each.who, { closer, topic: each.topic });
      } else if (at.version === undefined) at.version = ++committed[at.topic]!;
      else {
        writers.delete(each.who);
        const entries = each.prefill ? [{ key, topics, ...stored(JSON.stringify(committed)) }] : [];
        await driver.settle([topics[at.topic]!], at.closer, entries);
        acknowledged[at.topic] = Math.max(acknowledged[at.topic]!, at.version);
      }
    }
  }
  const found = await driver.get(key, topics);
  if (found) check(found.body);
}
