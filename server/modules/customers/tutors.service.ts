import { audit, eraseAudit } from '#platform/audit';
import type { Cache, CachedRead } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation, type Queryable } from '#platform/db/database';
import { alreadyExists, inUse, versionMismatch } from '#platform/errors';
import { publish } from '#platform/events/events';
import type { Page } from '#platform/http/page';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import { insertConsent, recordOptOut } from './consents.repository.ts';
import { profileKey } from './people.cache.ts';
import { personNotFound } from './people.errors.ts';
import * as rows from './tutors.repository.ts';
import type { NewPerson, PersonPatch, Tutor, TutorQuery } from './tutors.schemas.ts';

export interface TutorsService {
  list(ctx: Ctx, query: TutorQuery): Promise<Page<Tutor>>;
  /** The tutor as ready JSON. Throws NOT_FOUND. */
  read(ctx: Ctx, id: string): Promise<{ body: Buffer; hit: boolean }>;
  /** The tutor as the database has it now, for decisions. Throws NOT_FOUND. */
  get(ctx: Ctx, id: string): Promise<Tutor>;
  /** Throws ALREADY_EXISTS with `details.id` for a known phone or external id. */
  create(ctx: Ctx, input: NewPerson): Promise<Tutor>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, ALREADY_EXISTS. */
  update(ctx: Ctx, id: string, patch: PersonPatch, ifMatch?: number): Promise<Tutor>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, IN_USE. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
}

export interface TutorsParts {
  db: Database;
  cache: Cache;
  writer: Writer;
  /** Seconds a profile stays cached. */
  profileTtl: number;
}

export function createTutorsService({ db, cache, writer, profileTtl }: TutorsParts): TutorsService {
  const profile = (id: string): CachedRead => ({
    key: profileKey(id),
    topics: [`person:${id}`],
    ttlSeconds: profileTtl,
    load: () => rows.findTutor(db, id),
  });
  const changed = (id: string) => ({ topics: [`person:${id}`], prefill: (row: Tutor) => [{ ...profile(id), value: row }] });

  async function get(ctx: Ctx, id: string): Promise<Tutor> {
    const tutor = await rows.findTutor(ctx.tx ?? db, id);
    if (!tutor) throw await personNotFound(ctx.tx ?? db, id);
    return tutor;
  }

  /** Why a write matched no row. */
  async function refusal(ctx: Ctx, id: string): Promise<Error> {
    return (await rows.findTutor(ctx.tx ?? db, id)) ? versionMismatch() : personNotFound(ctx.tx ?? db, id);
  }

  async function taken(on: Queryable, input: NewPerson | PersonPatch): Promise<Error> {
    const id = (input.phone && (await rows.findIdByPhone(on, input.phone))) || (input.external_id && (await rows.findIdByExternalId(on, input.external_id)));
    return alreadyExists({ details: { id: id || null } });
  }

  return {
    get,
    list: (ctx, query) => rows.listTutors(ctx.tx ?? db, query),
    async read(_ctx, id) {
      const found = await cache.read(profile(id));
      if (!found) throw await personNotFound(db, id);
      return found;
    },
    async create(ctx, input) {
      const id = newId();
      return writer.write(ctx, changed(id), async (tx) => {
        if (!(await rows.insertTutor(tx, ctx, id, input))) throw await taken(tx, input);
        if (input.marketing_consent !== undefined)
          await insertConsent(tx, ctx, { person_id: id, purpose: 'marketing', granted: input.marketing_consent, source: ctx.actor.kind });
        await audit(tx, ctx, { action: 'created', entity: 'tutor', entity_id: id, person_id: id, changes: input });
        await publish(tx, ctx, 'person.created', { person_id: id });
        return get({ ...ctx, tx }, id);
      });
    },
    async update(ctx, id, patch, ifMatch) {
      const entry = { action: 'updated', entity: 'tutor', entity_id: id, person_id: id, changes: patch };
      const statement = rows.updateStatement(ctx, id, patch, ifMatch);
      const ofPerson = patch.phone !== undefined || patch.push_name !== undefined || patch.marketing_opt_out !== undefined || patch.external_id !== undefined;
      const updated = ofPerson
        ? await writer
            .write(ctx, { topics: [`person:${id}`] }, async (tx) => {
              if (!(await tx.first<Tutor>(statement))) return undefined;
              if (patch.marketing_opt_out !== undefined && (await recordOptOut(tx, ctx, id, patch.marketing_opt_out))) {
                await publish(tx, ctx, 'consent.changed', { person_id: id, purpose: 'marketing' });
              }
              await rows.updatePerson(tx, ctx, id, patch);
              await audit(tx, ctx, entry);
              await publish(tx, ctx, 'person.changed', { person_id: id });
              return get({ ...ctx, tx }, id);
            })
            .catch(async (error: unknown) => {
              if (!(error instanceof DbViolation) || error.rule !== 'unique') throw error;
              // A caller's transaction is spoilt by now and answers nothing more.
              throw ctx.tx ? alreadyExists({ cause: error }) : await taken(db, patch);
            })
        : await writer.writeRow<Tutor>(ctx, changed(id), statement, entry);
      if (!updated) throw await refusal(ctx, id);
      return updated;
    },
    async remove(ctx, id, ifMatch) {
      const removed = await writer
        .write(ctx, { topics: [`person:${id}`] }, async (tx) => {
          if (!(await rows.deleteTutor(tx, id, ifMatch))) return false;
          await eraseAudit(tx, id);
          await audit(tx, ctx, { action: 'deleted', entity: 'tutor', entity_id: id, person_id: id });
          await publish(tx, ctx, 'person.changed', { person_id: id });
          return true;
        })
        .catch((error: unknown) => {
          throw error instanceof DbViolation && error.rule === 'foreign_key'
            ? inUse({ details: { archive: `PATCH /api/tutors/${id} {"archived": true}` }, cause: error })
            : error;
        });
      if (!removed) throw await refusal(ctx, id);
    },
  };
}
