import { z } from 'zod';
import { reply, replyCached, replyEmpty, replyPage } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { consentLog, recordConsent, recordedConsent } from './consents.schemas.ts';
import type { ConsentsService } from './consents.service.ts';
import type { EraseService } from './erase.service.ts';
import type { MergeService } from './merge.service.ts';
import { createPerson, erasureJob, mergePeople, person, personView, removePerson, updatePerson } from './people.schemas.ts';
import type { PeopleService } from './people.service.ts';
import { tutorId as personId, tutorQuery as personQuery } from './tutors.schemas.ts';

export type Customers = PeopleService & ConsentsService & MergeService & EraseService;

export function peopleRoutes(people: Customers): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/customers',
      access: 'customers:read',
      summary: 'List and search customers; with updated_since, erased ones are listed too, empty',
      query: personQuery,
      response: z.array(person),
      paged: true,
      handle: async ({ ctx, query }) => replyPage(await people.list(ctx, query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/customers',
      access: 'customers:write',
      summary: 'Create a customer, with or without a phone',
      body: createPerson,
      response: personView,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, body }) => reply(await people.create(ctx, body)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/customers/{id}',
      access: 'customers:read',
      summary: 'Read a customer with identities, pets, consents and what comes next (cached)',
      params: personId,
      response: personView,
      handle: async ({ ctx, params }) => replyCached(await people.read(ctx, params.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/customers/{id}',
      access: 'customers:write',
      summary: 'Change a customer',
      params: personId,
      body: updatePerson,
      response: personView,
      errors: ['ALREADY_EXISTS', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await people.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/customers/{id}',
      access: 'customers:write',
      summary: 'Remove a customer nothing depends on (204), or with erase=true forget the person everywhere (202)',
      params: personId,
      query: removePerson,
      response: erasureJob,
      status: 202,
      errors: ['IN_USE', 'VERSION_MISMATCH'],
      async handle({ ctx, params, query, ifMatch }) {
        if (query.erase) return reply({ job: await people.requestErasure(ctx, params.id) });
        await people.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/customers/{id}/export',
      access: 'customers:read',
      summary: 'All that is known about a customer, by module',
      params: personId,
      response: z.looseObject({}),
      handle: async ({ ctx, params }) => reply(await people.export(ctx, params.id)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/customers/{id}/merge',
      access: 'customers:write',
      summary: 'Merge another record of the same person into this one',
      params: personId,
      body: mergePeople,
      response: personView,
      status: 200,
      handle: async ({ ctx, params, body }) => reply(await people.merge(ctx, params.id, body.from_id)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/customers/{id}/consents',
      access: 'customers:read',
      summary: 'What a customer agreed to: what holds now, and every record',
      params: personId,
      response: consentLog,
      handle: async ({ ctx, params }) => reply(await people.consents(ctx, params.id)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/customers/{id}/consents',
      access: 'customers:write',
      summary: 'Record a consent or its withdrawal; marketing sets or clears the opt-out',
      params: personId,
      body: recordConsent,
      response: recordedConsent,
      handle: async ({ ctx, params, body }) => reply(await people.recordConsent(ctx, params.id, body)),
    }),
  ];
}
