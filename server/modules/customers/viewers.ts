/**
 * Whose cached views show a person's or a pet's name, and changes that touch them all. A visit shows both names to everybody the pet
 * belongs to and to whoever booked it, also after the pet moved on; so a name is touched where it is seen, not where it is kept.
 */
import type { CachedValue } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import type { Database, Queryable, Tx } from '#platform/db/database';
import { notFound } from '#platform/errors';
import type { Writer } from '#platform/write';
import { lockPeople } from './people.repository.ts';
import type { Person } from './people.schemas.ts';
import type { PersonFace } from './person-face.ts';
import { listPetIdsOf, listPeopleOf, lockPet, lockPets } from './pets.repository.ts';
import type { Pet } from './pets.schemas.ts';

/**
 * Runs `fn` on the locked pet, and on those of the people named who exist, and touches them and all who see the pet.
 * Throws NOT_FOUND for the pet.
 */
export type ChangePet = <T>(ctx: Ctx, petId: string, named: readonly string[], fn: (tx: Tx, pet: Pet, people: Person[]) => Promise<T>) => Promise<T>;

/**
 * Runs `fn` on those of the people who exist, locked, and touches all who see them or a pet they have to do with. Nobody else
 * changes, books or gets those pets before the transaction ends.
 */
export type ChangePeople = <T>(
  ctx: Ctx,
  ids: readonly string[],
  fn: (tx: Tx, people: Person[]) => Promise<T>,
  prefill?: (result: T) => CachedValue[],
) => Promise<T>;

export interface ViewersParts {
  db: Database;
  writer: Writer;
  faces: () => readonly PersonFace[];
}

export function createViewers({ db, writer, faces }: ViewersParts): { changePet: ChangePet; changePeople: ChangePeople } {
  const pairs = async (on: Queryable, of: Parameters<NonNullable<PersonFace['pairs']>>[1]) => {
    const found = [];
    for (const face of faces()) found.push(...((await face.pairs?.(on, of)) ?? []));
    return found;
  };

  /** Who owns, guards or once brought one of the pets. */
  async function viewersOf(on: Queryable, pets: readonly string[]): Promise<string[]> {
    if (pets.length === 0) return [];
    return [...(await listPeopleOf(on, pets)), ...(await pairs(on, { pets })).map((pair) => pair.person_id)];
  }

  /** The pets these people own or once brought. */
  async function petsOf(on: Queryable, people: readonly string[]): Promise<string[]> {
    return [...(await listPetIdsOf(on, people)), ...(await pairs(on, { people })).map((pair) => pair.pet_id)];
  }

  /** Touches who came since `touched` was read; under the locks that the caller holds nobody comes any more. */
  async function touchLate(tx: Tx, ctx: Ctx, touched: ReadonlySet<string>, viewers: readonly string[]): Promise<void> {
    const late = viewers.filter((id) => !touched.has(id));
    if (late.length > 0) await writer.write({ ...ctx, tx }, { topics: topicsOf(late) }, () => Promise.resolve());
  }

  return {
    async changePet(ctx, petId, named, fn) {
      const seenBy = await viewersOf(ctx.tx ?? db, [petId]);
      if (seenBy.length === 0) throw notFound();
      const touched = new Set([...seenBy, ...named]);
      return writer.write(ctx, { topics: topicsOf(touched) }, async (tx) => {
        // People before pets, as everybody locks: nobody waits in a circle.
        const people = named.length === 0 ? [] : await lockPeople(tx, named);
        const pet = await lockPet(tx, petId);
        if (!pet) throw notFound();
        await touchLate(tx, ctx, touched, await viewersOf(tx, [petId]));
        return fn(tx, pet, people);
      });
    },
    async changePeople(ctx, ids, fn, prefill) {
      const on = ctx.tx ?? db;
      const touched = new Set([...ids, ...(await viewersOf(on, await petsOf(on, ids)))]);
      return writer.write(ctx, { topics: topicsOf(touched), ...(prefill && { prefill }) }, async (tx) => {
        const people = await lockPeople(tx, ids);
        // From here on no pet is added to theirs.
        const pets = await petsOf(tx, ids);
        await lockPets(tx, pets);
        await touchLate(tx, ctx, touched, await viewersOf(tx, pets));
        return fn(tx, people);
      });
    },
  };
}

export function topicsOf(people: Iterable<string>): string[] {
  return Array.from(people, (id) => `person:${id}`);
}
