import { z } from 'zod';
import { type Reply, reply, replyEmpty, replyPage } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import {
  appointment,
  appointmentId,
  type AppointmentQuery,
  appointmentQuery,
  availabilityQuery,
  createAppointment,
  isDay,
  slot,
  updateAppointment,
} from './appointments.schemas.ts';
import type { AppointmentsService } from './appointments.service.ts';

export function appointmentRoutes(appointments: AppointmentsService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/appointments',
      access: 'appointments:read',
      summary: 'List appointments by time; one tutor’s one day (tutor_id, from = to) is cached',
      query: appointmentQuery,
      response: z.array(appointment),
      paged: true,
      async handle({ ctx, query }): Promise<Reply> {
        const tutorId = tutorOfDay(query);
        const day = tutorId && (await appointments.readDay(ctx, tutorId, query.from!));
        return day ? { kind: 'bytes', ...day, next_cursor: null } : replyPage(await appointments.list(ctx, query));
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/appointments',
      access: 'appointments:write',
      summary: 'Book a visit, or turn a hold into one',
      body: createAppointment,
      response: appointment,
      errors: ['SLOT_TAKEN', 'SERVICE_RULE', 'HOLD_EXPIRED', 'ALREADY_EXISTS'],
      handle: async ({ ctx, body }) => reply(await appointments.create(ctx, body)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/appointments/availability',
      access: 'appointments:read',
      summary: 'Free times for a service, days inclusive, one entry per start and resource',
      query: availabilityQuery,
      response: z.array(slot),
      errors: ['SERVICE_RULE'],
      handle: async ({ ctx, query }) => reply(await appointments.freeTimes(ctx, query)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/appointments/{id}',
      access: 'appointments:read',
      summary: 'Read an appointment',
      params: appointmentId,
      response: appointment,
      handle: async ({ ctx, params }) => reply(await appointments.get(ctx, params.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/appointments/{id}',
      access: 'appointments:write',
      summary: 'Reschedule, change the service, or move on to the next status',
      params: appointmentId,
      body: updateAppointment,
      response: appointment,
      errors: ['SLOT_TAKEN', 'SERVICE_RULE', 'HOLD_EXPIRED', 'CONFLICT', 'ALREADY_EXISTS', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await appointments.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/appointments/{id}',
      access: 'appointments:write',
      summary: 'Remove an appointment that never began and on which nothing hangs',
      params: appointmentId,
      status: 204,
      errors: ['IN_USE', 'VERSION_MISMATCH'],
      async handle({ ctx, params, ifMatch }) {
        await appointments.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}

/** Whose day it is, when the query asks for exactly one tutor's one day and nothing else. */
function tutorOfDay({ tutor_id, from, to, limit, ...more }: AppointmentQuery): string | undefined {
  const exact = isDay(from) && from === to && limit === 25 && Object.values(more).every((value) => value === undefined);
  return exact ? tutor_id : undefined;
}
