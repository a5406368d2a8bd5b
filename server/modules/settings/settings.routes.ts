import { z } from 'zod';
import { reply, replyCached, replyEmpty } from '#platform/http/reply';
import { defineRoute, type Route } from '#platform/http/route';
import { atLeastOne, instant } from '#platform/http/schema';
import { type SectionKey, sectionKeys, sectionOf } from './sections.ts';
import type { SectionPatch, SettingsService } from './settings.service.ts';

/** Read, change and reset, once for every declared section, so that each is documented and checked by its own schema. */
export function settingsRoutes(settings: SettingsService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/settings',
      access: 'settings:read',
      summary: 'Read every section with its version (cached)',
      response: z.object(Object.fromEntries(sectionKeys.map((key) => [key, stateSchema(key)]))),
      handle: async ({ ctx }) => replyCached(await settings.read(ctx)),
    }),
    ...sectionKeys.flatMap((key) => sectionRoutes(settings, key)),
  ];
}

function stateSchema(key: SectionKey) {
  const { schema, initial } = sectionOf(key);
  const optional = initial({ timezone: 'UTC', locale: 'pt-BR' }) === null;
  return z.object({
    section: z.literal(key),
    value: optional ? schema.nullable() : schema,
    version: z.number().int().meta({ description: '0 until the first change.' }),
    updated_at: instant.nullable(),
  });
}

function sectionRoutes(settings: SettingsService, key: SectionKey): Route[] {
  const { title, schema, change } = sectionOf(key);
  const path = `/api/settings/${key}`;
  const who = change === 'owner' ? '; of the console’s users only an owner may' : '';
  const errors = change === 'owner' ? ['FORBIDDEN', 'VERSION_MISMATCH'] : ['VERSION_MISMATCH'];
  return [
    defineRoute({
      method: 'GET',
      path,
      access: 'settings:read',
      summary: `Read the clinic’s ${title}`,
      response: stateSchema(key),
      handle: async ({ ctx }) => reply(await settings.get(ctx, key)),
    }),
    defineRoute({
      method: 'PATCH',
      path,
      access: 'settings:write',
      summary: `Change the clinic’s ${title}: a given field replaces the whole field, null clears an optional one, the others stay${who}`,
      body: atLeastOne(schema.partial()),
      response: stateSchema(key),
      errors,
      handle: async ({ ctx, body, ifMatch }) => reply(await settings.change(ctx, key, body as SectionPatch<SectionKey>, ifMatch)),
    }),
    defineRoute({
      method: 'DELETE',
      path,
      access: 'settings:write',
      summary: `Set the clinic’s ${title} back to the default${who}`,
      status: 204,
      errors,
      async handle({ ctx, ifMatch }) {
        await settings.reset(ctx, key, ifMatch);
        return replyEmpty();
      },
    }),
  ];
}
