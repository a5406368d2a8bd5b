/** What the four parts share: the instances, Redis, the ways between them, and how an answer is judged. */
import { type OwnRedis, until } from '../../server/platform/cache/cache.fixtures.ts';
import type { Answer, Instance } from '../instance.ts';
import type { Wire } from '../wire.ts';

export interface Scene {
  a: Instance;
  b: Instance;
  redis: OwnRedis;
  /** From each of the first two instances to PostgreSQL, and one to Redis for an instance that will lose it. */
  wires: { a: Wire; b: Wire; redis: Wire };
  /** Ids of tutors that nobody has read or changed yet. */
  freshIds(many: number): string[];
  faultsEveryMs: number;
}

export const profileOf = (id: string) => `/api/tutors/${id}`;
export const overviewOf = (id: string) => `/api/customers/${id}`;

/** The version an answer shows. Throws for anything but 200. */
export function versionIn({ status, text }: Answer): number {
  if (status !== 200) throw new Error(`${status} ${text}`);
  return (JSON.parse(text) as { data: { version: number } }).data.version;
}

/** A change that leaves the new value in the cache, or, `bare`, one that leaves nothing there. Resolves with the acknowledged version. */
export async function change(on: Instance, id: string, turn: number, bare: boolean): Promise<number> {
  return versionIn(await on.call('PATCH', profileOf(id), bare ? { marketing_opt_out: turn % 2 === 0 } : { notes: `Mudança ${turn}` }));
}

/** Resolves when all of them use Redis. */
export function onRedis(...instances: Instance[]): Promise<void> {
  return until(async () => (await Promise.all(instances.map((one) => one.metric('cache_using_redis')))).every((using) => using === 1));
}

/** A counter's growth over some work, on several instances together. */
export async function growth(name: string, instances: readonly Instance[], work: () => Promise<void>): Promise<number> {
  const total = async () => (await Promise.all(instances.map((one) => one.metric(name)))).reduce((sum, n) => sum + n, 0);
  const before = await total();
  await work();
  return (await total()) - before;
}
