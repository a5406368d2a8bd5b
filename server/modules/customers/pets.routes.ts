import { z } from 'zod';
import { reply, replyEmpty, replyPage } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import type { GuardiansService } from './guardians.service.ts';
import { createGuardian, createPet, guardian, guardianId, guardianQuery, pet, petId, petQuery, updatePet } from './pets.schemas.ts';
import type { PetsService } from './pets.service.ts';
import { tutorId } from './tutors.schemas.ts';

export function petRoutes(pets: PetsService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/tutors/{id}/pets',
      access: 'customers:read',
      summary: "List a tutor's pets",
      params: tutorId,
      query: petQuery,
      response: z.array(pet),
      paged: true,
      handle: async ({ ctx, params, query }) => replyPage(await pets.list(ctx, params.id, query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/tutors/{id}/pets',
      access: 'customers:write',
      summary: 'Add a pet to a tutor',
      params: tutorId,
      body: createPet,
      response: pet,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, params, body }) => reply(await pets.create(ctx, params.id, body)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/pets/{id}',
      access: 'customers:read',
      summary: 'Read a pet',
      params: petId,
      response: pet,
      handle: async ({ ctx, params }) => reply(await pets.get(ctx, params.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/pets/{id}',
      access: 'customers:write',
      summary: 'Change a pet, move it to another tutor, note its death',
      params: petId,
      body: updatePet,
      response: pet,
      errors: ['ALREADY_EXISTS', 'VERSION_MISMATCH'],
      handle: async ({ ctx, params, body, ifMatch }) => reply(await pets.update(ctx, params.id, body, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/pets/{id}',
      access: 'customers:write',
      summary: 'Remove a pet nothing depends on',
      params: petId,
      status: 204,
      errors: ['IN_USE', 'VERSION_MISMATCH'],
      async handle({ ctx, params, ifMatch }) {
        await pets.remove(ctx, params.id, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}

export function guardianRoutes(guardians: GuardiansService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/pets/{id}/guardians',
      access: 'customers:read',
      summary: 'List who else the pet belongs to, beside its tutor',
      params: petId,
      query: guardianQuery,
      response: z.array(guardian),
      paged: true,
      handle: async ({ ctx, params, query }) => replyPage(await guardians.list(ctx, params.id, query)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/pets/{id}/guardians',
      access: 'customers:write',
      summary: 'Add a guardian; the pet then is in their customer view too',
      params: petId,
      body: createGuardian,
      response: guardian,
      errors: ['ALREADY_EXISTS'],
      handle: async ({ ctx, params, body }) => reply(await guardians.add(ctx, params.id, body)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/pets/{id}/guardians/{person_id}',
      access: 'customers:write',
      summary: 'Remove a guardian',
      params: guardianId,
      status: 204,
      async handle({ ctx, params }) {
        await guardians.remove(ctx, params.id, params.person_id);
        return replyEmpty();
      },
    }),
  ];
}
