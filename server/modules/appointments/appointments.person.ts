/** What appointments hold about a person. */
import { addMs, SECOND } from '#platform/clock';
import type { PersonFace } from '#modules/customers/index';
import type { Writer } from '#platform/write';
import { recordChange, topicsOf } from './visit-changes.ts';
import * as rows from './appointments.repository.ts';
import { free } from './occupancy.repository.ts';

const NEXT_VISITS = 5;

export function createAppointmentsFace({ writer }: { writer: Writer }): PersonFace {
  return {
    name: 'appointments',
    async glance(db, personId, ctx) {
      const next_visits = [];
      const ends = [];
      for (const { held_seconds, ...visit } of await rows.listUpcoming(db, personId, ctx.now, NEXT_VISITS)) {
        next_visits.push(visit);
        ends.push(visit.starts_at);
        if (held_seconds !== null) ends.push(addMs(ctx.now, held_seconds * SECOND));
      }
      return { next_visits, fresh_until: ends.sort()[0] };
    },
    // The names of services show.
    glanceTopics: ['catalog'],
    export: async (db, personId) => ({ appointments: await rows.listAllOf(db, personId) }),
    async erase(tx, ctx, personId) {
      const visits = await rows.lockUpcoming(tx, personId, ctx.now);
      const topics = await topicsOf(tx, [personId], await rows.listPetIdsOf(tx, personId));
      await writer.write({ ...ctx, tx }, { topics }, async () => {
        const ids = visits.map(({ id }) => id);
        await rows.cancelAll(tx, ids);
        await free(tx, ids);
        for (const visit of visits) await recordChange(tx, ctx, visit, 'cancelled');
        await rows.blankWords(tx, personId);
      });
    },
    async merge(tx, ctx, from, into) {
      const topics = await topicsOf(tx, [from, into], await rows.listPetIdsOf(tx, from));
      await writer.write({ ...ctx, tx }, { topics }, () => rows.moveAll(tx, from, into));
    },
  };
}
