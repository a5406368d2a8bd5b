/**
 * What a change of a pet or of people touches in the cache. A view shows other people's and other pets' names through visits, also
 * after a pet moved on; who sees which name is not worth finding out, since names change seldom: every such view is made of `NAMES`
 * too, and a change of a name, or of whose a pet is, touches that.
 */
import type { CachedValue } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import type { Database, Tx } from '#platform/db/database';
import { notFound } from '#platform/errors';
import type { Writer } from '#platform/write';
import { lockPeople } from './people.repository.ts';
import type { Person } from './people.schemas.ts';
import { listPeopleOf, lockPet } from './pets.repository.ts';
import type { Pet } from './pets.schemas.ts';

/** The topic of every cached view that shows names beside those of the person it is about. */
export const NAMES = 'names';

export interface PetChange {
  /** People beside those the pet belongs to whose views change, locked for it. */
  people?: readonly string[];
  /** True when the pet's name goes or changes, or it gets another tutor. */
  named?: boolean;
}

/**
 * Runs `fn` on the locked pet, and on those of `change.people` who exist, and touches them and all whom the pet belongs to.
 * Throws NOT_FOUND for the pet.
 */
export type ChangePet = <T>(ctx: Ctx, petId: string, change: PetChange, fn: (tx: Tx, pet: Pet, people: Person[]) => Promise<T>) => Promise<T>;

/** Runs `fn` on those of the people who exist, locked, and touches them and every view with names. */
export type ChangePeople = <T>(
  ctx: Ctx,
  ids: readonly string[],
  fn: (tx: Tx, people: Person[]) => Promise<T>,
  prefill?: (result: T) => CachedValue[],
) => Promise<T>;

export function createViewers({ db, writer }: { db: Database; writer: Writer }): { changePet: ChangePet; changePeople: ChangePeople } {
  return {
    async changePet(ctx, petId, { people = [], named = false }, fn) {
      const seenBy = await listPeopleOf(ctx.tx ?? db, [petId]);
      if (seenBy.length === 0) throw notFound();
      const touched = new Set([...seenBy, ...people]);
      return writer.write(ctx, { topics: [...topicsOf(touched), ...(named ? [NAMES] : [])] }, async (tx) => {
        // People before pets, as everybody locks: nobody waits in a circle.
        const locked = people.length === 0 ? [] : await lockPeople(tx, people);
        const pet = await lockPet(tx, petId);
        if (!pet) throw notFound();
        // Who came since the first look; under the lock nobody comes any more.
        const late = (await listPeopleOf(tx, [petId])).filter((id) => !touched.has(id));
        if (late.length > 0) await writer.write({ ...ctx, tx }, { topics: topicsOf(late) }, () => Promise.resolve());
        return fn(tx, pet, locked);
      });
    },
    changePeople(ctx, ids, fn, prefill) {
      const topics = [...topicsOf(new Set(ids)), NAMES];
      return writer.write(ctx, { topics, ...(prefill && { prefill }) }, async (tx) => fn(tx, await lockPeople(tx, ids)));
    },
  };
}

export function topicsOf(people: Iterable<string>): string[] {
  return Array.from(people, (id) => `person:${id}`);
}
