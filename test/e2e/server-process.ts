/** `node server/main.ts` as a process of its own, in a folder of its own, with nothing of our environment. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCall, type Call } from '../support/app.ts';
import { freePort } from './own-postgres.ts';

export interface ServerProcess {
  url: string;
  /** With the key in API_KEY. */
  call: Call;
  /** Everything it printed so far. */
  output(): string;
  exit: Promise<{ code: number | null; signal: string | null }>;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the first answer of `path` that has the status; throws when the process ends or the time is over. */
  until(path: string, status: number, ms?: number): Promise<void>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

export const KEY = 'a-key-of-the-tests-0123456789abcdef';
export const PRODUCTION = {
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  API_KEY: KEY,
  ENCRYPTION_KEY: 'ab'.repeat(32),
  ADMIN_EMAIL: 'dona@clinica.test',
  ADMIN_PASSWORD: 'senha-da-dona-123',
};

const MAIN = join(import.meta.dirname, '../../server/main.ts');

/** A folder to start in: where `.env` is read and `./data` is made. */
export function makeFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'caramelo-server-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function startServer(folder: string, env: Record<string, string>): Promise<ServerProcess> {
  const port = env['PORT'] ?? String(await freePort());
  const child = spawn(process.execPath, [MAIN], { cwd: folder, env: { PATH: process.env['PATH'], PORT: port, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const output = () => Buffer.concat(chunks).toString('utf8');
  let ended = false;
  const exit = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => {
      ended = true;
      resolve({ code, signal });
    });
  });
  const url = `http://127.0.0.1:${port}`;
  const call = createCall(url, env['API_KEY'] ?? '');
  return {
    url,
    call,
    output,
    exit,
    signal: (name) => void child.kill(name),
    async until(path, status, ms = 20_000) {
      const deadline = performance.now() + ms;
      while (performance.now() < deadline) {
        if (ended) throw new Error(`the server ended:\n${output()}`);
        const answer = await call('GET', path).catch(() => undefined);
        if (answer?.status === status) return;
        await sleep(40);
      }
      throw new Error(`${path} did not answer ${status} in ${ms} ms:\n${output()}`);
    },
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
