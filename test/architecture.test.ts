/** The plan of docs/architecture.md, held against every parsed file; and proof that each rule sees what it forbids. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { EDGES } from './support/architecture/plan.ts';
import { rules } from './support/architecture/rules.ts';
import { readTree, treeOf } from './support/architecture/tree.ts';

const here = readTree(path.resolve(import.meta.dirname, '..'));

describe('the project', () => {
  test.each(rules)('$name', (rule) => {
    const found = rule.find(here).map(({ where, what }) => `${where} ${what}`);
    expect(found, `${rule.name}.\nTo do: ${rule.remedy}.`).toEqual([]);
  });

  test('the edges themselves make no circle and lead to known modules', () => {
    const reach = (module: string, seen: string[]): string[] => (EDGES[module] ?? []).flatMap((next) => (seen.includes(next) ? [`${seen.join(' → ')} → ${next}`] : reach(next, [...seen, next])));
    expect(Object.keys(EDGES).flatMap((module) => reach(module, [module]))).toEqual([]);
    expect(Object.values(EDGES).flat().filter((module) => !(module in EDGES))).toEqual([]);
  });
});

/** A small project that breaks no rule. */
const sound = {
  'package.json': '{ "dependencies": { "zod": "4" } }',
  'migrations/0001_all.sql': 'create table customers_are_elsewhere (id text);',
  'server/main.ts': `import { buildApp } from './app/build.ts'; void buildApp;`,
  'server/app/build.ts': `import { createPets } from '#modules/customers/index'; import { open } from '#channels/simulator/simulator'; export const buildApp = [createPets, open];`,
  'server/app/config.ts': `export const config = () => process.env;`,
  'server/modules/customers/index.ts': `export { createPets } from './pets.service.ts';`,
  'server/modules/customers/pets.service.ts': `import { z } from 'zod'; import { findPet } from './pets.repository.ts'; export const createPets = () => [z, findPet];`,
  'server/modules/customers/pets.repository.ts': `import { sql } from '#platform/db/sql'; export const findPet = sql\`select * from pets where id = \${1} for update\`; export const set = sql\`insert into pets (id) values (1) on conflict (id) do update set id = 1\`;`,
  'server/modules/customers/pets.errors.ts': `import { defineError } from '#platform/errors'; export const petGone = defineError({ code: 'PET_GONE', status: 409 });`,
  'server/modules/appointments/availability.ts': `import { createPets } from '#modules/customers/index'; import { sql } from '#platform/db/sql'; import type { Sql } from '#platform/db/sql'; export type Pets = typeof createPets | Sql;`.replace(`import { sql } from '#platform/db/sql'; `, ''),
  'server/modules/appointments/availability.test.ts': `import { startApp } from '../../../test/support/app.ts'; import { test } from 'vitest'; test('x', () => startApp(new Date()));`,
  'server/channels/channel.ts': `import { systemClock } from '#platform/clock'; export const clock = systemClock;`,
  'server/channels/simulator/simulator.ts': `import { clock } from '../channel.ts'; export const open = clock;`,
  'server/channels/whatsapp-baileys/decode.ts': `export const remoteJid = 'x@lid';`,
  'server/platform/clock.ts': `export const systemClock = { ms: () => Date.now() };`,
  'server/platform/errors.ts': `export const defineError = (kind: object) => kind; export const notFound = defineError({ code: 'NOT_FOUND', status: 404 });`,
  'server/platform/db/sql.ts': `export const sql = String.raw; export type Sql = string; /* jid */`,
  'test/support/app.ts': `import { buildApp } from '../../server/app/build.ts'; export const startApp = (at: Date) => [buildApp, at];`,
};

/** What breaks each rule: files that replace or join the sound ones, by the start of the rule's name. */
const broken: Record<string, Record<string, string>[]> = {
  'imports go down the line': [
    { 'server/platform/clock.ts': `import type { Pets } from '#modules/appointments/availability'; export const systemClock = {} as Pets;` },
    { 'server/channels/simulator/simulator.ts': `export * from '../whatsapp-baileys/decode.ts';` },
    { 'server/modules/customers/pets.service.ts': `export const createPets = () => import('#app/config');` },
    { 'server/modules/customers/pets.service.ts': `export const createPets = () => null as unknown as import('#channels/simulator/simulator').open;` },
  ],
  'modules import each other only': [{ 'server/modules/customers/pets.service.ts': `import type { X } from '#modules/orders/index'; export const createPets = {} as X;`, 'server/modules/orders/index.ts': `export type X = 1;` }],
  'a module is entered only': [{ 'server/modules/appointments/availability.ts': `import { createPets } from '#modules/customers/pets.service'; export const x = createPets;` }],
  'app/build.ts is imported by': [{ 'server/app/health.ts': `import type { buildApp } from './build.ts'; export type X = typeof buildApp;` }],
  'the server imports no tests': [{ 'server/app/health.ts': `import { startApp } from '../../test/support/app.ts'; export const x = startApp;` }],
  'no files import each other in a circle': [{ 'server/platform/a.ts': `import type { B } from './b.ts'; export type A = B;`, 'server/platform/b.ts': `import type { A } from './a.ts'; export type B = A;` }],
  'every import can be followed': [{ 'server/platform/a.ts': `import './gone.ts';` }, { 'server/platform/a.ts': `export const load = (name: string) => import(name);` }],
  'the server imports only packages': [{ 'server/platform/a.ts': `import 'vitest';` }, { 'server/platform/a.ts': `import 'fs';` }],
  'server holds main.ts': [{ 'server/loose.ts': `export {};` }, { 'server/modules/warehouse/index.ts': `export {};` }],
  'a module’s files are of the known kinds': [{ 'server/modules/customers/pets.controller.ts': `export {};` }, { 'server/modules/customers/petCare.ts': `export {};` }],
  'no file or export has a name': [{ 'server/platform/date-utils.ts': `export {};` }, { 'server/platform/a.ts': `export class SessionManager {}` }],
  'WhatsApp’s addresses': [{ 'server/platform/a.ts': `export const lidOf = 1;` }, { 'server/platform/a.ts': `export const x = { remoteJid: 1 };` }],
  'modules do not ask which engine': [{ 'server/modules/customers/pets.service.ts': `export const createPets = (e: string) => e === 'sqlite';` }],
  'the time is asked only of': [{ 'server/platform/a.ts': `export const x = new Date();` }, { 'server/platform/a.ts': `export const x = Date['now']();` }],
  'process.env is read only': [{ 'server/main.ts': `export const port = process.env.PORT;` }, { 'server/main.ts': `import { env } from 'node:process'; export const port = env;` }],
  'no test is left out': [
    { 'server/platform/a.test.ts': `import { test } from 'vitest'; test.skip('x', () => {});` },
    { 'test/a.test.ts': `import { describe } from 'vitest'; describe.skipIf(true)('x', () => {});` },
    { 'test/a.test.ts': `import { test } from 'vitest'; test('x', (ctx) => ctx.skip('later'));` },
    { 'test/a.test.ts': `import { test } from 'vitest'; test('x', { only: true }, () => {});` },
  ],
  'a module’s SQL stands': [{ 'server/modules/customers/pets.service.ts': `import { sql } from '#platform/db/sql'; export const createPets = sql\`select 1\`;` }],
  'a table is written by its owner': [
    { 'server/modules/appointments/x.repository.ts': `import { sql } from '#platform/db/sql'; export const x = sql\`with a as (select 1) update pets set name = 'x'\`;` },
    { 'server/modules/appointments/x.repository.ts': `import { sql } from '#platform/db/sql'; export const x = (t: string) => sql\`delete from \${t}\`;` },
    { 'server/modules/appointments/x.repository.ts': `import { sql } from '#platform/db/sql'; type AnyTable = 'pets'; export const x = (t: AnyTable) => sql\`delete from \${t}\`;` },
    { 'server/modules/customers/pets.repository.ts': `import { sql } from '#platform/db/sql'; export const findPet = sql\`insert into unheard_of (id) values (1)\`;` },
  ],
  'a table is read by its owner': [{ 'server/modules/customers/pets.repository.ts': `import { sql } from '#platform/db/sql'; export const findPet = sql\`select 1 from pets p join orders o on o.id = p.id\`;` }],
  'every table of the migrations': [{ 'migrations/0002_more.sql': 'create table warehouses (id text);' }],
  'every error code is declared once': [
    { 'server/modules/orders/orders.errors.ts': `import { defineError } from '#platform/errors'; export const x = defineError({ code: 'NOT_FOUND', status: 404 });` },
    { 'server/modules/orders/orders.service.ts': `import { defineError } from '#platform/errors'; export const x = defineError({ code: 'NEW', status: 404 });` },
  ],
};

describe('the rules', () => {
  // The made-up project has other tables than ours.
  const soundFor = (name: string) => (name.startsWith('every table') ? sound : { ...sound, 'migrations/0001_all.sql': '' });

  test('say nothing about a project that keeps them', () => {
    const tree = treeOf(Object.fromEntries(Object.entries(sound).filter(([file]) => !file.startsWith('migrations/'))));
    expect(rules.flatMap((rule) => rule.find(tree).map(({ where, what }) => `${where} ${what}`))).toEqual([]);
  });

  test.each(rules)('see it broken: $name', (rule) => {
    const cases = Object.entries(broken).find(([start]) => rule.name.startsWith(start))?.[1] ?? [];
    expect(cases.length, 'each rule needs a case that breaks it').toBeGreaterThan(0);
    for (const files of cases) {
      const found = rule.find(treeOf({ ...soundFor(rule.name), ...files }));
      const places = found.map(({ where }) => where.replace(/:\d+$/, ''));
      expect(places, JSON.stringify(files)).toEqual(expect.arrayContaining([expect.stringMatching(new RegExp(`^(${Object.keys(files).join('|')})$`))]));
    }
  });
});
