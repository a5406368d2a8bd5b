import { z } from 'zod';
import { reply, replyEmpty } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { calendarEntry, closedDay, closedDayId, closedDayQuery, createClosedDay, updateClosedDay } from './closed-days.schemas.ts';
import type { ClosedDaysService } from './closed-days.service.ts';

export function closedDayRoutes(days: ClosedDaysService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/settings/closed-days',
      access: 'settings:read',
      summary: 'List the clinic’s own closed days and exceptional openings, and the holidays between them; one list, not paged',
      query: closedDayQuery,
      response: z.array(calendarEntry),
      handle: async ({ ctx, query }) => reply(await days.list(ctx, query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/settings/closed-days',
      access: 'settings:write',
      summary: 'Close the clinic on a day, or with hours open it exceptionally, holiday or not',
      body: createClosedDay,
      response: closedDay,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, body }) => reply(await days.create(ctx, body)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/settings/closed-days/{id}',
      access: 'settings:write',
      summary: 'Change a closed day or exceptional opening',
      params: closedDayId,
      body: updateClosedDay,
      response: closedDay,
      errors: ['ALREADY_EXISTS', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await days.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/settings/closed-days/{id}',
      access: 'settings:write',
      summary: 'Remove a closed day or exceptional opening',
      params: closedDayId,
      status: 204,
      errors: ['VERSION_MISMATCH'],
      async handle({ ctx, params, ifMatch }) {
        await days.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}
