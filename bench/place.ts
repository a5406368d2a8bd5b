/** A PostgreSQL database made for one benchmark and dropped after it. TEST_DATABASE_URL or the local default. */
import { openPostgres } from '../server/platform/db/postgres.ts';
import { identifier, sql } from '../server/platform/db/sql.ts';

export interface Place {
  url: string;
  drop(): Promise<void>;
}

export const REDIS_URL = process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';
const SERVER_URL = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

export async function makeDatabase(name: string): Promise<Place> {
  const admin = () => openPostgres({ url: SERVER_URL, poolMax: 1, applicationName: 'caramelo bench', onError: () => undefined });
  const database = `caramelo_bench_${name}_${process.pid}`;
  const maker = admin();
  await maker.run(sql`create database ${identifier(database)}`);
  await maker.close();
  const url = new URL(SERVER_URL);
  url.pathname = `/${database}`;
  return {
    url: url.href,
    async drop() {
      const dropper = admin();
      await dropper.run(sql`drop database if exists ${identifier(database)} with (force)`);
      await dropper.close();
    },
  };
}
