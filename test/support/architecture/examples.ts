/** Made-up projects that prove the rules: one that keeps them all, and ways to break each. */

/** A small project that breaks no rule. */
export const sound: Record<string, string> = {
  'package.json': '{ "dependencies": { "zod": "4" } }',
  'server/main.ts': `import { buildApp } from './app/build.ts'; void buildApp;`,
  'server/app/build.ts': `import { createPets } from '#modules/customers/index'; import { open } from '#channels/simulator/simulator'; export const buildApp = [createPets, open];`,
  'server/app/config.ts': `export const config = () => process.env;`,
  'server/modules/customers/index.ts': `export { createPets } from './pets.service.ts';`,
  'server/modules/customers/pets.service.ts': `import { z } from 'zod'; import { findPet } from './pets.repository.ts'; export const createPets = () => [z, findPet];`,
  'server/modules/customers/pets.repository.ts': `import { sql } from '#platform/db/sql'; export const findPet = sql\`select * from pets where id = \${1} for update\`; export const set = sql\`insert into pets (id) values (1) on conflict (id) do update set id = 1\`;`,
  'server/modules/customers/pets.errors.ts': `import { defineError } from '#platform/errors'; export const petGone = defineError({ code: 'PET_GONE', status: 409 });`,
  'server/modules/appointments/availability.ts': `import { createPets } from '#modules/customers/index'; import type { Sql } from '#platform/db/sql'; export type Pets = typeof createPets | Sql;`,
  'server/modules/appointments/availability.test.ts': `import { startApp } from '../../../test/support/app.ts'; import { test } from 'vitest'; test('x', () => startApp(new Date()));`,
  'server/channels/channel.ts': `import { systemClock } from '#platform/clock'; export const clock = systemClock;`,
  'server/channels/simulator/simulator.ts': `import { clock } from '../channel.ts'; export const open = clock;`,
  'server/channels/whatsapp-baileys/decode.ts': `export const remoteJid = 'x@lid';`,
  'server/platform/clock.ts': `export const systemClock = { ms: () => Date.now() };`,
  'server/platform/errors.ts': `export const defineError = (kind: object) => kind; export const notFound = defineError({ code: 'NOT_FOUND', status: 404 });`,
  'server/platform/db/sql.ts': `export const sql = String.raw; export type Sql = string; /* jid */`,
  'test/support/app.ts': `import { buildApp } from '../../server/app/build.ts'; export const startApp = (at: Date) => [buildApp, at];`,
};

/** What breaks each rule, by the start of its name: sets of files that replace or join the sound ones. */
export const broken: Record<string, Record<string, string>[]> = {
  'imports go down the line': [
    { 'server/platform/clock.ts': `import type { Pets } from '#modules/appointments/availability'; export const systemClock = {} as Pets;` },
    { 'server/channels/simulator/simulator.ts': `export * from '../whatsapp-baileys/decode.ts';` },
    { 'server/modules/customers/pets.service.ts': `export const createPets = () => import('#app/config');` },
    { 'server/modules/customers/pets.service.ts': `export const createPets = () => null as unknown as import('#channels/simulator/simulator').open;` },
  ],
  'modules import each other only': [
    {
      'server/modules/customers/pets.service.ts': `import type { X } from '#modules/orders/index'; export const createPets = {} as X;`,
      'server/modules/orders/index.ts': `export type X = 1;`,
    },
  ],
  'a module is entered only': [
    { 'server/modules/appointments/availability.ts': `import { createPets } from '#modules/customers/pets.service'; export const x = createPets;` },
  ],
  'app/build.ts is imported by': [{ 'server/app/health.ts': `import type { buildApp } from './build.ts'; export type X = typeof buildApp;` }],
  'the server imports no tests': [{ 'server/app/health.ts': `import { startApp } from '../../test/support/app.ts'; export const x = startApp;` }],
  'no files import each other in a circle': [
    {
      'server/platform/a.ts': `import type { B } from './b.ts'; export type A = B;`,
      'server/platform/b.ts': `import type { A } from './a.ts'; export type B = A;`,
    },
  ],
  'every import can be followed': [
    { 'server/platform/a.ts': `import './gone.ts';` },
    { 'server/platform/a.ts': `export const load = (name: string) => import(name);` },
  ],
  'the server imports only packages': [{ 'server/platform/a.ts': `import 'vitest';` }, { 'server/platform/a.ts': `import 'fs';` }],
  'server holds main.ts': [{ 'server/loose.ts': `export {};` }, { 'server/modules/warehouse/index.ts': `export {};` }],
  'a module’s files are of the known kinds': [
    { 'server/modules/customers/pets.controller.ts': `export {};` },
    { 'server/modules/customers/petCare.ts': `export {};` },
  ],
  'no file or export has a name': [{ 'server/platform/date-utils.ts': `export {};` }, { 'server/platform/a.ts': `export class SessionManager {}` }],
  'WhatsApp’s addresses': [{ 'server/platform/a.ts': `export const lidOf = 1;` }, { 'server/platform/a.ts': `export const x = { remoteJid: 1 };` }],
  'modules do not ask which engine': [{ 'server/modules/customers/pets.service.ts': `export const createPets = (e: string) => e === 'sqlite';` }],
  'the time is asked only of': [{ 'server/platform/a.ts': `export const x = new Date();` }, { 'server/platform/a.ts': `export const x = Date['now']();` }],
  'process.env is read only': [
    { 'server/main.ts': `export const port = process.env.PORT;` },
    { 'server/main.ts': `import { env } from 'node:process'; export const port = env;` },
  ],
  'no test is left out': [
    { 'server/platform/a.test.ts': `import { test } from 'vitest'; test.skip('x', () => {});` },
    { 'test/a.test.ts': `import { describe } from 'vitest'; describe.skipIf(true)('x', () => {});` },
    { 'test/a.test.ts': `import { test } from 'vitest'; test('x', (ctx) => ctx.skip('later'));` },
    { 'test/a.test.ts': `import { test } from 'vitest'; test('x', { only: true }, () => {});` },
  ],
  'a module’s SQL stands': [
    { 'server/modules/customers/pets.service.ts': `import { sql } from '#platform/db/sql'; export const createPets = sql\`select 1\`;` },
  ],
  'a table is written by its owner': [
    {
      'server/modules/appointments/x.repository.ts': `import { sql } from '#platform/db/sql'; export const x = sql\`with a as (select 1) update pets set name = 'x'\`;`,
    },
    { 'server/modules/appointments/x.repository.ts': `import { sql } from '#platform/db/sql'; export const x = (t: string) => sql\`delete from \${t}\`;` },
    {
      'server/modules/appointments/x.repository.ts': `import { sql } from '#platform/db/sql'; type AnyTable = 'pets'; export const x = (t: AnyTable) => sql\`delete from \${t}\`;`,
    },
    {
      'server/modules/customers/pets.repository.ts': `import { sql } from '#platform/db/sql'; export const findPet = sql\`insert into unheard_of (id) values (1)\`;`,
    },
  ],
  'a table is read by its owner': [
    {
      'server/modules/customers/pets.repository.ts': `import { sql } from '#platform/db/sql'; export const findPet = sql\`select 1 from pets p join orders o on o.id = p.id\`;`,
    },
  ],
  'every table of the migrations': [{ 'migrations/0002_more.sql': 'create table warehouses (id text);' }],
  'every error code is declared once': [
    {
      'server/modules/orders/orders.errors.ts': `import { defineError } from '#platform/errors'; export const x = defineError({ code: 'NOT_FOUND', status: 404 });`,
    },
    {
      'server/modules/orders/orders.service.ts': `import { defineError } from '#platform/errors'; export const x = defineError({ code: 'NEW', status: 404 });`,
    },
  ],
};
