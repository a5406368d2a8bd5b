/**
 * How we measure: contenders take turns in one run (A B A B …), the main figure is CPU time per unit of work, the answer is the
 * median of the per-round ratios with the smallest and largest beside it, and every round checks that the work was done right.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Ratio {
  median: number;
  min: number;
  max: number;
}

/** One row of a benchmark's table. `goal` is met when `reached` is true; null: reported only. */
export interface Row {
  what: string;
  figure: string;
  goal: string;
  reached: boolean | null;
}

export interface Options {
  rounds: number;
  /** Tiny sizes: shows that the benchmark works, its figures mean nothing. */
  small: boolean;
}

export interface Benchmark {
  name: string;
  run(options: Options): Promise<Row[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Ratios a[i] / b[i], round by round. */
export function ratio(a: readonly number[], b: readonly number[]): Ratio {
  const each = a.map((value, i) => value / b[i]!);
  return { median: median(each), min: Math.min(...each), max: Math.max(...each) };
}

export function showRatio({ median: middle, min, max }: Ratio): string {
  return `${middle.toFixed(2)}x [${min.toFixed(2)}-${max.toFixed(2)}]`;
}

/** A row about a ratio that must stay below (or, with `atLeast`, above) a goal. */
export function ratioRow(what: string, value: Ratio, goal: number, way: 'atMost' | 'atLeast'): Row {
  return {
    what,
    figure: showRatio(value),
    goal: `${way === 'atMost' ? '≤' : '≥'} ${goal}x`,
    reached: way === 'atMost' ? value.median <= goal : value.median >= goal,
  };
}

/** A row about something that must be exactly so many; with a word on what else was seen. */
export function countRow(what: string, count: number, goal: number, more = ''): Row {
  return { what, figure: `${count}${more && ` (${more})`}`, goal: String(goal), reached: count === goal };
}

/** The value below which a share (0 to 1) of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN;
}

/** Runs every contender once per round, in turn, after one unmeasured round each. */
export async function alternate<K extends string>(rounds: number, contenders: Record<K, () => Promise<number>>): Promise<Record<K, number[]>> {
  const names = Object.keys(contenders) as K[];
  const results = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (const name of names) await contenders[name]();
  for (let round = 0; round < rounds; round++) {
    // Every other round backwards, so that nobody always runs on a warmer machine.
    for (const name of round % 2 === 0 ? names : [...names].reverse()) results[name].push(await contenders[name]());
  }
  return results;
}

const TICKS_PER_SECOND = 100;

/** CPU time a process has used so far, user and system, in microseconds (Linux; 10 ms steps); with that of its children that have ended. */
export function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND) * 1e6;
}

/** CPU time of PostgreSQL's backends on one database: their titles name it. Linux, with PostgreSQL on this machine. */
export function cpuMicrosOfBackends(databaseUrl: string): number {
  const name = new URL(databaseUrl).pathname.slice(1);
  return cpuMicrosOf((line) => line.startsWith('postgres: ') && line.split(' ').includes(name));
}

/** Memory a process holds, in MB. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

/** The same for all processes whose command line matches, e.g. a database's backends; 0 when there are none. */
export function cpuMicrosOf(matches: (commandLine: string) => boolean): number {
  let total = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (matches(readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' '))) total += cpuMicros(Number(entry));
    } catch {
      // It ended between the listing and the reading.
    }
  }
  return total;
}

export interface Running {
  pid: number;
  url: string;
  /** The rest of what the server said when it was ready. */
  said: Record<string, string>;
  stop(): Promise<void>;
}

/** Starts a file of `bench/servers`; it prints one JSON line `{url, …}` when it is ready. */
export async function startServer(name: string, env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'servers', name)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = await firstLine(child, name);
  return {
    pid: child.pid!,
    url: said['url']!,
    said,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function firstLine(child: ChildProcess, name: string): Promise<Record<string, string>> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    const end = text.indexOf('\n');
    if (end === -1) continue;
    child.stdout!.resume();
    return JSON.parse(text.slice(0, end)) as Record<string, string>;
  }
  throw new Error(`${name} ended before it was ready`);
}

/** True when the peers of `bench/package.json` are installed. */
export function peersInstalled(): boolean {
  return existsSync(join(import.meta.dirname, 'node_modules/autocannon'));
}
