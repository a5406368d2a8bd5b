/**
 * From exec to the first `200` of `/health/ready`, on a database that is migrated already, beside a process that only imports the same
 * modules. Starts take turns; what the start leaves resident is said too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, type Benchmark, cpuMicros, median, ratio, ratioRow, residentMb, type Row, showRatio, startServer } from './harness.ts';
import { KEY } from './instance.ts';
import { makeDatabase, REDIS_URL } from './place.ts';

const STARTS = 7;
const ASK_EVERY_MS = 5;
const GIVE_UP_MS = 20_000;
/** How long a started server is left alone before its memory is read. */
const IDLE_MS = 1_000;

const MAIN = join(import.meta.dirname, '../server/main.ts');
const access = { API_KEY: KEY, ADMIN_EMAIL: 'dona@clinica.test', ADMIN_PASSWORD: 'senha-da-dona-123', LOG_LEVEL: 'warn' };

interface Start {
  /** Milliseconds from exec until it was ready. */
  ms: number;
  /** CPU milliseconds used until then. */
  cpu: number;
  /** MB resident, idle. */
  rss: number;
}

export const startup: Benchmark = {
  name: 'startup',
  async run({ small }) {
    const starts = small ? 1 : STARTS;
    // The folder has no `.env`, and what development writes goes there.
    const folder = mkdtempSync(join(tmpdir(), 'caramelo-bench-'));
    const place = await makeDatabase('startup');
    const sqlite = { NODE_ENV: 'development', DATABASE_URL: '', REDIS_URL: '', SQLITE_PATH: join(folder, 'customers.db') };
    const postgres = { NODE_ENV: 'production', DATABASE_URL: place.url, REDIS_URL, ENCRYPTION_KEY: '0'.repeat(64), HOST: '127.0.0.1' };
    try {
      const seen: Record<'bare' | 'postgres' | 'sqlite', Start[]> = { bare: [], postgres: [], sqlite: [] };
      const note = (kind: keyof typeof seen, start: () => Promise<Start>) => async () => {
        const one = await start();
        seen[kind].push(one);
        return one.ms;
      };
      // The first start of each is not counted, and migrates.
      const ms = await alternate(starts, {
        bare: note('bare', bareImport),
        postgres: note('postgres', () => serve(folder, postgres)),
        sqlite: note('sqlite', () => serve(folder, sqlite)),
      });
      return rowsOf(ms, seen, starts);
    } finally {
      rmSync(folder, { recursive: true });
      await place.drop();
    }
  },
};

function rowsOf(ms: Record<'bare' | 'postgres' | 'sqlite', number[]>, seen: Record<'bare' | 'postgres' | 'sqlite', Start[]>, starts: number): Row[] {
  const figures = (of: (start: Start) => number) => [seen.bare, seen.postgres, seen.sqlite].map((all) => median(all.slice(1).map(of)).toFixed(0)).join(', ');
  const over = (kind: 'postgres' | 'sqlite', of: (start: Start) => number) => ratio(seen[kind].slice(1).map(of), seen.bare.slice(1).map(of));
  return [
    {
      what: `ms from exec: the modules imported, ready on PostgreSQL and Redis, ready on SQLite (medians of ${starts})`,
      figure: figures((start) => start.ms),
      goal: '-',
      reached: null,
    },
    ratioRow('ready on PostgreSQL and Redis over the bare import', ratio(ms.postgres, ms.bare), 1.5, 'atMost'),
    ratioRow('ready on SQLite over the bare import', ratio(ms.sqlite, ms.bare), 1.5, 'atMost'),
    {
      what: 'the same in CPU time (ms; PostgreSQL, SQLite over the bare import)',
      figure: `${figures((start) => start.cpu)}; ${showRatio(over('postgres', (s) => s.cpu))}, ${showRatio(over('sqlite', (s) => s.cpu))}`,
      goal: '-',
      reached: null,
    },
    { what: 'MB resident when idle: the modules imported, PostgreSQL and Redis, SQLite', figure: figures((start) => start.rss), goal: '-', reached: null },
    ratioRow(
      'resident on PostgreSQL and Redis over the bare import',
      over('postgres', (start) => start.rss),
      1.3,
      'atMost',
    ),
  ];
}

async function bareImport(): Promise<Start> {
  const began = performance.now();
  const bare = await startServer('bare-import.ts');
  const ms = performance.now() - began;
  await bare.stop();
  return { ms, cpu: Number(bare.said['cpu_ms']), rss: Number(bare.said['rss_mb']) };
}

async function serve(folder: string, env: Record<string, string>): Promise<Start> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: { ...process.env, ...access, ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    while ((await statusOf(port)) !== 200) {
      if (child.exitCode !== null || performance.now() - began > GIVE_UP_MS) throw new Error('it was never ready');
      await sleep(ASK_EVERY_MS);
    }
    const ms = performance.now() - began;
    const cpu = cpuMicros(child.pid!) / 1_000;
    await sleep(IDLE_MS);
    return { ms, cpu, rss: residentMb(child.pid!) };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** Undefined while nobody listens. */
function statusOf(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path: '/health/ready', agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', () => resolve(undefined));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
