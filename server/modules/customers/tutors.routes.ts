import { z } from 'zod';
import { reply, replyCached, replyEmpty, replyPage } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { createTutor, tutor, tutorId, tutorQuery, updateTutor } from './tutors.schemas.ts';
import type { TutorsService } from './tutors.service.ts';

export function tutorRoutes(tutors: TutorsService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/tutors',
      access: 'customers:read',
      summary: 'List and search tutors; everyone who wrote is here, even without a name',
      query: tutorQuery,
      response: z.array(tutor),
      paged: true,
      handle: async ({ ctx, query }) => replyPage(await tutors.list(ctx, query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/tutors',
      access: 'customers:write',
      summary: 'Create a tutor and the person behind it',
      body: createTutor,
      response: tutor,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, body }) => reply(await tutors.create(ctx, body)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/tutors/{id}',
      access: 'customers:read',
      summary: 'Read a tutor (cached)',
      params: tutorId,
      response: tutor,
      handle: async ({ ctx, params }) => replyCached(await tutors.read(ctx, params.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/tutors/{id}',
      access: 'customers:write',
      summary: 'Change a tutor',
      params: tutorId,
      body: updateTutor,
      response: tutor,
      errors: ['ALREADY_EXISTS', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await tutors.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/tutors/{id}',
      access: 'customers:write',
      summary: 'Remove a tutor nothing depends on',
      params: tutorId,
      status: 204,
      errors: ['IN_USE', 'VERSION_MISMATCH'],
      async handle({ ctx, params, ifMatch }) {
        await tutors.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}
