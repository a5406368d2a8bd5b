/** What every change of a known pet has in common: whose views it touches, and that those are known for certain. */
import type { Ctx } from '#platform/ctx';
import type { Database, Tx } from '#platform/db/database';
import { notFound } from '#platform/errors';
import type { Writer } from '#platform/write';
import { lockPet, whoSees } from './pets.repository.ts';
import type { Pet } from './pets.schemas.ts';

export type ChangePet = <T>(ctx: Ctx, petId: string, alsoTouched: readonly string[], fn: (tx: Tx, pet: Pet) => Promise<T>) => Promise<T>;

/** Runs `fn` on the locked pet and touches its tutor, its guardians and the people named. Throws NOT_FOUND. */
export function createChangePet({ db, writer }: { db: Database; writer: Writer }): ChangePet {
  return async (ctx, petId, alsoTouched, fn) => {
    const seenBy = await whoSees(ctx.tx ?? db, petId);
    if (seenBy.length === 0) throw notFound();
    const touched = new Set([...seenBy, ...alsoTouched]);
    return writer.write(ctx, { topics: topicsOf(touched) }, async (tx) => {
      const pet = await lockPet(tx, petId);
      if (!pet) throw notFound();
      // Somebody may have become a guardian since; from here on, under the pet's lock, nobody does.
      const late = (await whoSees(tx, petId)).filter((id) => !touched.has(id));
      return late.length === 0 ? fn(tx, pet) : writer.write({ ...ctx, tx }, { topics: topicsOf(late) }, () => fn(tx, pet));
    });
  };
}

export function topicsOf(people: Iterable<string>): string[] {
  return Array.from(people, (id) => `person:${id}`);
}
