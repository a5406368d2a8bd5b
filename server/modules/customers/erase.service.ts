import { audit, eraseAudit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import type { Database, Tx } from '#platform/db/database';
import { publish } from '#platform/events/events';
import { eraseAnswers } from '#platform/http/idempotency';
import type { Jobs, JobState } from '#platform/jobs/jobs';
import type { Writer } from '#platform/write';
import { findMergedInto, listMergedIds } from './merge.repository.ts';
import { overwriting } from './people.cache.ts';
import { personNotFound } from './people.errors.ts';
import { findTombstone } from './people.repository.ts';
import type { PersonFace } from './person-face.ts';
import { type ChangePeople, topicsOf } from './viewers.ts';

/** The kind of the job that forgets a person. */
export const ERASE_JOB = 'person.erase';

export interface EraseService {
  /** Asks for the erasure; asking again answers the same job as it is then. Throws NOT_FOUND. */
  requestErasure(ctx: Ctx, id: string): Promise<JobState>;
  /** Forgets the person everywhere, at once. Repeatable; one that was merged meanwhile is forgotten as what it became. */
  erase(ctx: Ctx, id: string): Promise<void>;
}

export interface EraseParts {
  db: Database;
  writer: Writer;
  jobs: Jobs;
  changePeople: ChangePeople;
  own: PersonFace;
  faces: () => readonly PersonFace[];
}

export function createEraseService({ db, writer, jobs, changePeople, own, faces }: EraseParts): EraseService {
  async function forget(tx: Tx, ctx: Ctx, id: string): Promise<void> {
    for (const face of [...faces(), own]) await face.erase(tx, ctx, id);
    for (const known of [id, ...(await listMergedIds(tx, id))]) {
      await eraseAudit(tx, known);
      await eraseAnswers(tx, known);
    }
    await audit(tx, ctx, { action: 'erased', entity: 'person', entity_id: id, person_id: id });
    await publish(tx, 'person.erased', { person_id: id });
  }

  return {
    requestErasure: (ctx, id) =>
      writer.write(ctx, { topics: [] }, async (tx) => {
        const person = await findTombstone(tx, id);
        if (!person) throw await personNotFound(tx, id);
        if (person.erased_at === null) await audit(tx, ctx, { action: 'erasure requested', entity: 'person', entity_id: id, person_id: id });
        return jobs.enqueue(tx, { kind: ERASE_JOB, payload: { person_id: id }, dedupe_key: `${ERASE_JOB}:${id}` });
      }),
    async erase(ctx, asked) {
      const on = ctx.tx ?? db;
      const id = (await findMergedInto(on, asked)) ?? asked;
      const selves = [id, ...(await listMergedIds(on, id))];
      await changePeople(ctx, [id], async (tx, people) => {
        if (people.length > 0) await forget(tx, ctx, id);
      });
      // Apart: the faces' own writes to the same topics would make the cache refuse it above. A job that comes back does it again.
      await writer.write(ctx, { topics: topicsOf(selves), prefill: () => overwriting(selves) }, () => Promise.resolve());
    },
  };
}
