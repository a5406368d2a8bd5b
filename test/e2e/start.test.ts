/** `node server/main.ts` from the outside: what it refuses, what it waits for, how it leaves. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres } from '../../server/platform/db/postgres.ts';
import { identifier, sql } from '../../server/platform/db/sql.ts';
import { migrate, readMigrations } from '../../server/platform/db/migrate.ts';
import { openSqlite } from '../../server/platform/db/sqlite.ts';
import { withDatabase } from '../support/global-setup.ts';
import { expectDressed, expectRefusal } from './expectations.ts';
import { makePostgres, type OwnPostgres } from './own-postgres.ts';
import { KEY, makeFolder, PRODUCTION, type ServerProcess, startServer } from './server-process.ts';

const NOWHERE = 'postgres://postgres@127.0.0.1:1/x';
const MIGRATIONS = join(import.meta.dirname, '../../migrations');
const onError = () => undefined;

const folders: { remove(): void }[] = [];
const running: ServerProcess[] = [];
function folder(): string {
  const made = makeFolder();
  folders.push(made);
  return made.path;
}
async function start(env: Record<string, string>, at = folder()): Promise<ServerProcess> {
  const server = await startServer(at, env);
  running.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.kill()));
  for (const made of folders.splice(0)) made.remove();
});

describe('configuration', () => {
  test('every mistake at once, by name, without the values of secrets; exit 1', async () => {
    const server = await start({
      NODE_ENV: 'production',
      PORT: 'oitenta',
      DATABASE_URL: 'mysql://root:segredo-do-banco@db/x',
      API_KEY: 'segredo-curto',
      ENCRYPTION_KEY: 'segredo-da-cifra',
      ADMIN_EMAIL: 'dona',
      ADMIN_PASSWORD: 'segredo',
      REDIS_URL: 'http://:segredo-do-redis@r',
      TIMEZONE: 'Brasil',
      RATE_LIMIT_PER_IP: '0',
      LOG_LEVEL: 'muito',
      ROLES: 'api,cafe',
      DATABASE_SSL: 'sim',
      WHATSAPP: 'telegram',
      TRUST_PROXY: '-1',
      CACHE_TTL_PROFILES: '1e99',
    });
    expect(await server.exit).toEqual({ code: 1, signal: null });
    for (const name of [
      'PORT',
      'DATABASE_URL',
      'API_KEY',
      'ENCRYPTION_KEY',
      'ADMIN_EMAIL',
      'ADMIN_PASSWORD',
      'REDIS_URL',
      'TIMEZONE',
      'RATE_LIMIT_PER_IP',
      'LOG_LEVEL',
      'ROLES',
      'DATABASE_SSL',
      'WHATSAPP',
      'TRUST_PROXY',
      'CACHE_TTL_PROFILES',
    ]) {
      expect(server.output()).toMatch(new RegExp(`^\\s*${name}: `, 'm'));
    }
    expect(server.output()).not.toContain('segredo');
    expect(server.output()).not.toMatch(/^\s+at /m);
  });

  test('production without what it demands does not start, and makes no file', async () => {
    const matrix: [Record<string, string>, string[]][] = [
      [{ DATABASE_URL: '', API_KEY: '', ENCRYPTION_KEY: '' }, ['DATABASE_URL', 'API_KEY', 'ENCRYPTION_KEY']],
      [{ DATABASE_URL: '' }, ['DATABASE_URL']],
      [{ API_KEY: '' }, ['API_KEY']],
      [{ API_KEY: 'changeme' }, ['API_KEY']],
      [{ ENCRYPTION_KEY: '' }, ['ENCRYPTION_KEY']],
      [{ ENCRYPTION_KEY: 'secret' }, ['ENCRYPTION_KEY']],
      [{ ADMIN_PASSWORD: '' }, ['ADMIN_PASSWORD']],
      [{ ADMIN_EMAIL: '' }, ['ADMIN_EMAIL']],
    ];
    await Promise.all(
      matrix.map(async ([missing, names]) => {
        const at = folder();
        const server = await start({ ...PRODUCTION, DATABASE_URL: NOWHERE, ...missing }, at);
        expect(await server.exit).toEqual({ code: 1, signal: null });
        for (const name of names) expect(server.output()).toContain(name);
        expect(server.output()).not.toContain(KEY);
        expect(existsSync(join(at, 'data'))).toBe(false);
      }),
    );
  });

  test('.env is read, and real variables win', async () => {
    const at = folder();
    writeFileSync(join(at, '.env'), `API_KEY=${KEY}\nSQLITE_PATH=./from-file.db\nINSTANCE_NAME=not a name\n`);
    const server = await start({ INSTANCE_NAME: 'verdadeira' }, at);
    await server.until('/health/ready', 200);
    expect((await server.call('GET', '/api/services', undefined, { 'x-api-key': KEY })).status).toBe(200);
    expect(server.output()).toContain('"instance":"verdadeira"');
    expect(existsSync(join(at, 'from-file.db'))).toBe(true);
    expect(server.output()).not.toContain(KEY);
  });
});

describe('development', () => {
  test('PostgreSQL unreachable: SQLite, said loudly, with a demo clinic and an account; a second process on the file refuses', async () => {
    const at = folder();
    const server = await start({ DATABASE_URL: NOWHERE }, at);
    await server.until('/health/ready', 200);
    expect(server.output()).toMatch(/PostgreSQL cannot be reached: using SQLite/);
    const key = /Chave de API\s+(\S+)/.exec(server.output())![1]!;
    expect(server.output()).toMatch(/Senha\s+\S{12,}/);
    const { body } = await server.call('GET', '/api/services', undefined, { 'x-api-key': key });
    expect(body.data.length).toBeGreaterThan(5);
    const second = await start({ DATABASE_URL: NOWHERE }, at);
    expect(await second.exit).toEqual({ code: 1, signal: null });
    expect(second.output()).toContain('in use by another process');
    expect((await server.call('GET', '/health/ready')).status).toBe(200);
    server.signal('SIGTERM');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    // Secrets are told once: a second start on the same file prints none.
    const again = await start({ DATABASE_URL: NOWHERE }, at);
    await again.until('/health/ready', 200);
    expect(again.output()).not.toMatch(/mostrada só agora|Senha/);
  });

  test('killed between two migrations, it goes on where it stopped', async () => {
    const at = folder();
    const path = join(at, 'half.db');
    const db = openSqlite({ path, onError });
    await migrate(db, readMigrations(MIGRATIONS, 'sqlite').slice(0, 4));
    await db.close();
    const server = await start({ SQLITE_PATH: path, API_KEY: KEY }, at);
    await server.until('/health/ready', 200);
    expect((await server.call('GET', '/health')).body.data.database).toMatchObject({ state: 'ok', migrations_pending: 0 });
  });
});

describe('production', () => {
  let postgres: OwnPostgres;
  let databases = 0;
  beforeAll(async () => {
    postgres = await makePostgres();
  });
  afterAll(() => postgres.remove());

  async function makeDatabase(): Promise<string> {
    const name = `start_${++databases}`;
    const admin = openPostgres({ url: postgres.url, poolMax: 1, applicationName: 'tests', onError });
    await admin.run(sql`create database ${identifier(name)}`);
    await admin.close();
    return withDatabase(postgres.url, name);
  }

  test('PostgreSQL unreachable: alive, not ready, never on SQLite; ready by itself when it appears', async () => {
    const at = folder();
    const server = await start({ ...PRODUCTION, DATABASE_URL: postgres.url }, at);
    await server.until('/health/live', 200);
    const none = { 'x-api-key': '' };
    for (const [path, headers, status, code] of [
      ['/health/ready', none, 503, 'UNAVAILABLE'],
      ['/health', none, 503, 'UNAVAILABLE'],
      ['/api/tutors', none, 401, 'UNAUTHENTICATED'],
      ['/metrics', none, 401, 'UNAUTHENTICATED'],
      ['/api/tutors', {}, 503, 'UNAVAILABLE'],
    ] as const) {
      const answer = await server.call('GET', path, undefined, headers);
      expectRefusal(answer, status, code);
      if (status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expectDressed(await server.call('GET', '/health/live'));
    expect(existsSync(join(at, 'data'))).toBe(false);
    await postgres.start();
    await server.until('/health/ready', 200, 25_000);
    const made = await server.call('POST', '/api/tutors', { name: 'Primeira', phone: '+5511987654321' });
    expect(made.status, made.text).toBe(201);
    expect((await server.call('GET', '/health')).body.data.database).toMatchObject({ state: 'ok', engine: 'postgresql' });
    expect((await server.call('GET', '/api/services')).body.data).toEqual([]);
    expect(existsSync(join(at, 'data'))).toBe(false);
    expect(server.output()).not.toContain(KEY);
  });

  test('SIGTERM while it still waits for PostgreSQL: exit 0', async () => {
    const server = await start({ ...PRODUCTION, DATABASE_URL: NOWHERE });
    await server.until('/health/live', 200);
    server.signal('SIGTERM');
    expect(await server.exit, server.output()).toEqual({ code: 0, signal: null });
  });

  test('no owner and no ADMIN_*: exit 1, naming them; with an owner they are not needed', async () => {
    const url = await makeDatabase();
    const { ADMIN_EMAIL, ADMIN_PASSWORD, ...without } = PRODUCTION;
    const refused = await start({ ...without, DATABASE_URL: url });
    expect(await refused.exit).toEqual({ code: 1, signal: null });
    expect(refused.output()).toMatch(/ADMIN_EMAIL.*ADMIN_PASSWORD/);
    const first = await start({ ...without, ADMIN_EMAIL, ADMIN_PASSWORD, DATABASE_URL: url });
    await first.until('/health/ready', 200);
    const second = await start({ ...without, DATABASE_URL: url });
    await second.until('/health/ready', 200);
  });

  test('two instances at once on an empty database: migrated once, one demo clinic, both serve', async () => {
    const url = await makeDatabase();
    const development = { DATABASE_URL: url, API_KEY: KEY, ADMIN_EMAIL: PRODUCTION.ADMIN_EMAIL, ADMIN_PASSWORD: PRODUCTION.ADMIN_PASSWORD };
    const both = await Promise.all([start(development), start(development)]);
    await Promise.all(both.map((server) => server.until('/health/ready', 200, 25_000)));
    const db = openPostgres({ url, poolMax: 1, applicationName: 'tests', onError });
    const demo = JSON.parse(readFileSync(join(MIGRATIONS, '../server/app/demo-clinic.json'), 'utf8')) as { services: unknown[]; products: unknown[] };
    const count = async (table: string) => (await db.first<{ n: number }>(sql`select count(*) as n from ${identifier(table)}`))!.n;
    expect({
      migrations: await count('schema_migrations'),
      services: await count('services'),
      products: await count('products'),
      owners: await count('console_users'),
      keys: await count('api_keys'),
    }).toEqual({
      migrations: readMigrations(MIGRATIONS, 'postgresql').length,
      services: demo.services.length,
      products: demo.products.length,
      owners: 1,
      keys: 1,
    });
    await db.close();
    for (const server of both) expect((await server.call('GET', '/api/services')).status).toBe(200);
  });

  test('killed while it migrates, it leaves whole steps and goes on', async () => {
    const url = await makeDatabase();
    const db = openPostgres({ url, poolMax: 1, applicationName: 'tests', onError });
    const applied = async () =>
      (await db.first<{ found: string | null }>(sql`select to_regclass('schema_migrations')::text as found`))!.found === null
        ? 0
        : (await db.first<{ n: number }>(sql`select count(*) as n from schema_migrations`))!.n;
    const all = readMigrations(MIGRATIONS, 'postgresql');
    for (const after of [1, 3, 6]) {
      const server = await start({ ...PRODUCTION, DATABASE_URL: url });
      while ((await applied()) < after) await sleep(2);
      await server.kill();
    }
    const server = await start({ ...PRODUCTION, DATABASE_URL: url });
    await server.until('/health/ready', 200);
    expect(await applied()).toBe(all.length);
    expect((await server.call('POST', '/api/tutors', { name: 'Ana', phone: '+5511987654321' })).status).toBe(201);
    await db.close();
  });

  test('a newer database: refused when it cannot be shared, served when it can', async () => {
    const url = await makeDatabase();
    const db = openPostgres({ url, poolMax: 1, applicationName: 'tests', onError });
    await migrate(db, readMigrations(MIGRATIONS, 'postgresql'));
    await db.run(sql`insert into schema_migrations (number, name, checksum, previous_runs, applied_at) values (9001, 'later', 'x', true, now())`);
    const compatible = await start({ ...PRODUCTION, DATABASE_URL: url });
    await compatible.until('/health/ready', 200);
    await db.run(sql`insert into schema_migrations (number, name, checksum, previous_runs, applied_at) values (9002, 'much_later', 'x', false, now())`);
    await compatible.until('/health/ready', 503);
    const refused = await start({ ...PRODUCTION, DATABASE_URL: url });
    expect(await refused.exit).toEqual({ code: 1, signal: null });
    expect(refused.output()).toContain('DATABASE_TOO_NEW');
    await db.close();
  });

  test('SIGTERM under load: not ready first, no request fails, exit 0', async () => {
    const url = await makeDatabase();
    const server = await start({ ...PRODUCTION, DATABASE_URL: url, RATE_LIMIT_PER_IP: '1000000', RATE_LIMIT_PER_USER: '1000000', LOG_LEVEL: 'warn' });
    await server.until('/health/ready', 200);
    // A balancer sends requests until readiness is gone, over connections it keeps.
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    let ready = true;
    let sent = 0;
    const failures: string[] = [];
    const client = async (i: number) => {
      for (let n = 0; ready; n++) {
        sent++;
        const phone = `+55119${i}${String(n).padStart(7, '0')}`;
        await send(agent, server.url, 'POST', '/api/tutors', { name: 'Carga', phone }).then(
          ({ status }) => status !== 201 && failures.push(String(status)),
          (error: Error) => failures.push(error.message),
        );
      }
    };
    const probe = async () => {
      while (ready) {
        await sleep(50);
        const probed = await send(agent, server.url, 'GET', '/health/ready').catch(() => undefined);
        if (probed?.status === 503) {
          // Each connection ends with its answer, so that none is cut under a request.
          expect(probed.connection).toBe('close');
          // It takes a moment until the balancer acts on what it saw.
          await sleep(300);
          ready = false;
        }
      }
    };
    const clients = [probe(), ...Array.from({ length: 6 }, (_, i) => client(i))];
    await sleep(500);
    server.signal('SIGTERM');
    await Promise.all(clients);
    agent.destroy();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(50);
    expect(await server.exit).toEqual({ code: 0, signal: null });
    const db = openPostgres({ url, poolMax: 1, applicationName: 'tests', onError });
    expect((await db.first<{ n: number }>(sql`select count(*) as n from tutors`))!.n).toBe(sent);
    await db.close();
  });
});

function send(agent: Agent, url: string, method: string, path: string, body?: object): Promise<{ status: number; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    const req = request(url + path, { agent, method, headers: { 'x-api-key': KEY, 'content-type': 'application/json' } }, (res) => {
      res.resume();
      res.on('end', () => resolve({ status: res.statusCode!, connection: res.headers.connection }));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body && JSON.stringify(body));
  });
}
