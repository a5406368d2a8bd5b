import { audit } from '#platform/audit';
import type { Cache, CachedRead } from '#platform/cache/cache';
import { type Instant, msOf, SECOND } from '#platform/clock';
import type { Ctx } from '#platform/ctx';
import type { Database, Queryable } from '#platform/db/database';
import type { Page } from '#platform/http/page';
import type { Writer } from '#platform/write';
import { currentConsents } from './consents.repository.ts';
import { byPurpose } from './consents.schemas.ts';
import { overviewKey } from './people.cache.ts';
import { personNotFound } from './people.errors.ts';
import * as rows from './people.repository.ts';
import type { CreatePerson, Person, PersonView, UpdatePerson } from './people.schemas.ts';
import { NAMES } from './viewers.ts';
import type { PersonFace } from './person-face.ts';
import type { TutorQuery } from './tutors.schemas.ts';
import type { TutorsService } from './tutors.service.ts';

export interface PeopleService {
  list(ctx: Ctx, query: TutorQuery): Promise<Page<Person>>;
  /** The customer's view as ready JSON. Throws NOT_FOUND, with `details.merged_into` for who was merged away. */
  read(ctx: Ctx, id: string): Promise<{ body: Buffer; hit: boolean }>;
  /** The same as the database has it now, also inside a transaction. Throws NOT_FOUND. */
  view(ctx: Ctx, id: string): Promise<PersonView>;
  /** Throws ALREADY_EXISTS with `details.id` for a known phone or external id. */
  create(ctx: Ctx, input: CreatePerson): Promise<PersonView>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, ALREADY_EXISTS. */
  update(ctx: Ctx, id: string, patch: UpdatePerson, ifMatch?: number): Promise<PersonView>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, IN_USE. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
  /** All that is known about a person, by module; that it was handed out is audited. Throws NOT_FOUND. */
  export(ctx: Ctx, id: string): Promise<Record<string, unknown>>;
}

export interface PeopleParts {
  db: Database;
  cache: Cache;
  writer: Writer;
  /** Seconds a view stays cached. */
  profileTtl: number;
  tutors: TutorsService;
  own: PersonFace;
  /** The other modules' faces; asked for late, since those modules are made after this one. */
  faces: () => readonly PersonFace[];
}

export function createPeopleService({ db, cache, writer, profileTtl, tutors, own, faces }: PeopleParts): PeopleService {
  async function compose(on: Queryable, ctx: Ctx, id: string): Promise<{ view: PersonView; freshUntil: Instant | undefined } | undefined> {
    const person = await rows.findPerson(on, id);
    if (!person) return undefined;
    const added: object = {};
    let freshUntil: Instant | undefined;
    for (const face of faces()) {
      const { fresh_until: until, ...more } = (await face.glance?.(on, id, ctx)) ?? {};
      if (until !== undefined && (freshUntil === undefined || until < freshUntil)) freshUntil = until;
      Object.assign(added, more);
    }
    const view = {
      ...added,
      ...person,
      identities: await rows.listIdentities(on, id),
      pets: await rows.listPetsInView(on, id),
      consents: byPurpose(await currentConsents(on, id)),
    };
    return { view, freshUntil };
  }

  async function view(ctx: Ctx, id: string): Promise<PersonView> {
    const on = ctx.tx ?? db;
    const found = await compose(on, ctx, id);
    if (!found) throw await personNotFound(on, id);
    return found.view;
  }

  return {
    list: (ctx, query) => rows.listPeople(ctx.tx ?? db, query),
    view,
    async read(ctx, id) {
      const topics = [`person:${id}`, NAMES, ...new Set(faces().flatMap((face) => face.glanceTopics ?? []))];
      const asked = performance.now();
      const entry: CachedRead = {
        key: overviewKey(id),
        topics,
        ttlSeconds: profileTtl,
        load: async () => {
          const composed = await compose(db, ctx, id);
          if (composed?.freshUntil !== undefined) {
            const left = msOf(composed.freshUntil) - msOf(ctx.now) - (performance.now() - asked);
            entry.ttlSeconds = Math.min(profileTtl, left / SECOND);
          }
          return composed?.view;
        },
      };
      const found = await cache.read(entry);
      if (!found) throw await personNotFound(db, id);
      return found;
    },
    create: (ctx, input) =>
      writer.write(ctx, { topics: [] }, async (tx) => {
        const { id } = await tutors.create({ ...ctx, tx }, input);
        return view({ ...ctx, tx }, id);
      }),
    async update(ctx, id, patch, ifMatch) {
      await tutors.update(ctx, id, patch, ifMatch);
      return view(ctx, id);
    },
    remove: (ctx, id, ifMatch) => tutors.remove(ctx, id, ifMatch),
    export: (ctx, id) =>
      writer.write(ctx, { topics: [] }, async (tx) => {
        if (!(await rows.findPerson(tx, id))) throw await personNotFound(tx, id);
        const parts: Record<string, unknown> = { exported_at: ctx.now };
        for (const face of [own, ...faces()]) parts[face.name] = await face.export(tx, id);
        await audit(tx, ctx, { action: 'exported', entity: 'person', entity_id: id, person_id: id });
        return parts;
      }),
  };
}
