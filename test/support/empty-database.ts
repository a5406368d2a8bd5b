/** An empty PostgreSQL database on the tests' server. */
import { inject } from 'vitest';
import { openPostgres } from '../../server/platform/db/postgres.ts';
import { identifier, type Sql, sql } from '../../server/platform/db/sql.ts';
import { withDatabase } from './global-setup.ts';

export interface EmptyDatabase {
  url: string;
  remove(): Promise<void>;
}

export async function makeEmptyDatabase(): Promise<EmptyDatabase> {
  const name = `caramelo_empty_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  await onServer(sql`create database ${identifier(name)}`);
  return { url: withDatabase(inject('postgresUrl'), name), remove: () => onServer(sql`drop database if exists ${identifier(name)} with (force)`) };
}

async function onServer(statement: Sql): Promise<void> {
  const admin = openPostgres({ url: inject('postgresUrl'), poolMax: 1, applicationName: 'tests', onError: () => undefined });
  try {
    await admin.run(statement);
  } finally {
    await admin.close();
  }
}
