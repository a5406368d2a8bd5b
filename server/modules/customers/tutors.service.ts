import { audit, type AuditEntry, eraseAudit } from '#platform/audit';
import type { Cache, CachedRead } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation, type Queryable, type Tx } from '#platform/db/database';
import type { Sql } from '#platform/db/sql';
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
import { NAMES } from './viewers.ts';

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

/** What lives with the person; a change of anything else is one statement. */
const OF_PERSON = ['phone', 'push_name', 'marketing_opt_out', 'external_id'] as const;

export function createTutorsService({ db, cache, writer, profileTtl }: TutorsParts): TutorsService {
  const profile = (id: string): CachedRead => ({
    key: profileKey(id),
    topics: [`person:${id}`],
    ttlSeconds: profileTtl,
    load: () => rows.findTutor(db, id),
  });
  /** A name is seen in other people's views too. */
  const touching = (id: string, { name }: { name?: string | null | undefined }) => ({
    topics: [`person:${id}`, ...(name === undefined ? [] : [NAMES])],
    prefill: (row: Tutor) => [{ ...profile(id), value: row }],
  });

  async function get(ctx: Ctx, id: string): Promise<Tutor> {
    const tutor = await rows.findTutor(ctx.tx ?? db, id);
    if (!tutor) throw await personNotFound(ctx.tx ?? db, id);
    return tutor;
  }

  /** Why a write matched no row. */
  async function refusal(ctx: Ctx, id: string): Promise<Error> {
    return (await rows.findTutor(ctx.tx ?? db, id)) ? versionMismatch() : personNotFound(ctx.tx ?? db, id);
  }

  /** ALREADY_EXISTS, naming who else has the phone or the external id. */
  async function taken(on: Queryable, id: string, { phone, external_id }: NewPerson | PersonPatch): Promise<Error> {
    const other = (phone && (await rows.findOtherByPhone(on, id, phone))) || (external_id && (await rows.findOtherByExternalId(on, id, external_id)));
    return alreadyExists({ details: { id: other || null } });
  }

  /** A change of what lives with the person. Undefined when the tutor is unknown or at another version. */
  async function changePerson(ctx: Ctx, id: string, patch: PersonPatch, statement: Sql, entry: AuditEntry): Promise<Tutor | undefined> {
    const carryOut = async (tx: Tx) => {
      if (!(await tx.first<Tutor>(statement))) return undefined;
      if (patch.marketing_opt_out !== undefined && (await recordOptOut(tx, ctx, id, patch.marketing_opt_out))) {
        await publish(tx, 'consent.changed', { person_id: id, purpose: 'marketing' });
      }
      await rows.updatePerson(tx, id, patch);
      if (patch.phone && (await rows.isSecondPhoneOfAnother(tx, id, patch.phone))) throw await taken(tx, id, patch);
      await audit(tx, ctx, entry);
      await publish(tx, 'person.changed', { person_id: id });
      return get({ ...ctx, tx }, id);
    };
    const { topics, prefill } = touching(id, patch);
    return writer.write(ctx, { topics, prefill: (row: Tutor | undefined) => (row ? prefill(row) : []) }, carryOut).catch(async (error: unknown) => {
      if (!(error instanceof DbViolation) || error.rule !== 'unique') throw error;
      // A caller's transaction is spoilt by now and answers nothing more.
      throw ctx.tx ? alreadyExists({ cause: error }) : await taken(db, id, patch);
    });
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
      return writer.write(ctx, touching(id, {}), async (tx) => {
        if (!(await rows.insertTutor(tx, id, input))) throw await taken(tx, id, input);
        if (input.marketing_consent !== undefined)
          await insertConsent(tx, { person_id: id, purpose: 'marketing', granted: input.marketing_consent, source: ctx.actor.kind });
        await audit(tx, ctx, { action: 'created', entity: 'tutor', entity_id: id, person_id: id, changes: input });
        await publish(tx, 'person.created', { person_id: id });
        return get({ ...ctx, tx }, id);
      });
    },
    async update(ctx, id, patch, ifMatch) {
      const entry = { action: 'updated', entity: 'tutor', entity_id: id, person_id: id, changes: patch };
      const statement = rows.updateStatement(id, patch, ifMatch);
      const event = patch.name === undefined ? undefined : ({ type: 'person.changed', subject: { person_id: id } } as const);
      const ofPerson = OF_PERSON.some((field) => patch[field] !== undefined);
      const updated = ofPerson
        ? await changePerson(ctx, id, patch, statement, entry)
        : await writer.writeRow<Tutor>(ctx, { topics: touching(id, patch).topics, write: statement, answer: rows.writtenTutor(id), audit: entry, event });
      if (!updated) throw await refusal(ctx, id);
      return updated;
    },
    async remove(ctx, id, ifMatch) {
      const removed = await writer
        .write(ctx, { topics: [`person:${id}`] }, async (tx) => {
          if (!(await rows.deleteTutor(tx, id, ifMatch))) return false;
          await eraseAudit(tx, id);
          await audit(tx, ctx, { action: 'deleted', entity: 'tutor', entity_id: id, person_id: id });
          await publish(tx, 'person.changed', { person_id: id });
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
