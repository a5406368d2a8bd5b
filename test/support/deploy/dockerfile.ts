/** Reads a Dockerfile and carries its steps out in a folder of this machine: the file's own commands, without Docker. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Instruction {
  word: string;
  rest: string;
}

export interface Stage {
  image: string;
  name: string;
  steps: Instruction[];
}

/** Stages in order. Throws on a line that is no instruction of the few this project uses. */
export function readDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n');
  for (const line of lines.map((one) => one.trim()).filter(Boolean)) {
    const [, word, rest] = /^(FROM|WORKDIR|COPY|RUN|ENV|USER|VOLUME|EXPOSE|HEALTHCHECK|ENTRYPOINT|CMD)\s+(.*)$/.exec(line) ?? [];
    if (word === undefined || rest === undefined) throw new Error(`Dockerfile: cannot read "${line}"`);
    if (word === 'FROM') {
      const [image, as, name] = rest.split(/\s+/);
      if (as !== 'AS' || !name) throw new Error('Dockerfile: every stage needs a name');
      stages.push({ image: image!, name, steps: [] });
    } else stages.at(-1)!.steps.push({ word, rest });
  }
  return stages;
}

export function stepsOf(stage: Stage, word: string): string[] {
  return stage.steps.filter((step) => step.word === word).map((step) => step.rest);
}

/** `CMD ["node", "x"]` and the tail of `HEALTHCHECK … CMD [...]`. */
export function commandOf(stage: Stage, word: 'CMD' | 'HEALTHCHECK'): string[] {
  return JSON.parse(
    stepsOf(stage, word)
      .at(-1)!
      .replace(/^.*?(?=\[)/s, ''),
  ) as string[];
}

/** True when the context sent to Docker holds the file. The last pattern that names it or a folder above it decides. */
export function contextHolds(dockerignore: string, file: string): boolean {
  const patterns = dockerignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const names = file.split('/').map((_, i, all) => all.slice(0, i + 1).join('/'));
  let held = true;
  for (const pattern of patterns) {
    const glob = globOf(pattern.replace(/^!/, ''));
    if (names.some((name) => glob.test(name))) held = pattern.startsWith('!');
  }
  return held;
}

/** Docker's globs: a star also takes a leading dot. */
function globOf(pattern: string): RegExp {
  const parts = pattern
    .split(/(\*\*\/|\*)/)
    .map((part) => (part === '**/' ? '(?:.*/)?' : part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('')}$`);
}

export interface Built {
  /** The folder that stands for the image's working directory. */
  folder: string;
  /** The environment its commands run in. */
  env: Record<string, string>;
}

/** Carries out a stage and those it copies from. `stages` come from `readDockerfile`, `context` is the project, `into` an empty folder. */
export function build(stages: readonly Stage[], target: string, context: string, into: string): Built {
  const root = (stage: string) => path.join(into, stage);
  const stage = stages.find(({ name }) => name === target)!;
  const inside = (name: string, place: string) => path.join(root(name), place);
  const ignore = readFileSync(path.join(context, '.dockerignore'), 'utf8');
  let folder = root(target);
  const env = baseEnvironment(into);

  for (const { word, rest } of stage.steps) {
    if (word === 'WORKDIR') mkdirSync((folder = inside(target, rest)), { recursive: true });
    if (word === 'ENV') for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) env[name!] = value!.startsWith('/') ? inside(target, value!) : value!;
    if (word === 'RUN') run(rest, folder, env);
    if (word !== 'COPY') continue;
    const [, from, places] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest)!;
    const [to, ...sources] = places!.split(/\s+/).reverse();
    for (const source of sources) {
      // What the base image brings is this machine's own.
      if (from !== undefined && source.startsWith('/usr/')) continue;
      if (from !== undefined) build.once(into, from, () => build(stages, from, context, into));
      const at = from === undefined ? path.join(context, source) : inside(from, source);
      const single = statSync(at).isFile();
      cpSync(at, single ? path.join(folder, to!, path.basename(source)) : path.join(folder, to!), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (file) => from !== undefined || statSync(file).isDirectory() || contextHolds(ignore, path.relative(context, file).replaceAll('\\', '/')),
      });
    }
  }
  return { folder, env };
}
const done = new Set<string>();
build.once = (into: string, stage: string, work: () => void) => {
  if (done.has(`${into} ${stage}`)) return;
  done.add(`${into} ${stage}`);
  work();
};

/** What a container starts with: this Node first on the path; npm's cache and registry as they are here, but nothing of the npm that runs the tests. */
function baseEnvironment(into: string): Record<string, string> {
  const shims = path.join(into, 'shims');
  mkdirSync(shims, { recursive: true });
  // The image's user is not one of this machine's.
  writeFileSync(path.join(shims, 'chown'), '#!/bin/sh\n');
  chmodSync(path.join(shims, 'chown'), 0o755);
  const env: Record<string, string> = {
    PATH: [shims, path.dirname(process.execPath), process.env['PATH']].join(path.delimiter),
    npm_config_prefer_offline: 'true',
  };
  for (const name of [
    'HOME',
    'npm_config_cache',
    'npm_config_registry',
    'npm_config_userconfig',
    'HTTPS_PROXY',
    'https_proxy',
    'NO_PROXY',
    'no_proxy',
    'NODE_EXTRA_CA_CERTS',
  ]) {
    if (process.env[name] !== undefined) env[name] = process.env[name];
  }
  return env;
}

function run(command: string, cwd: string, env: Record<string, string>): void {
  const ran = spawnSync('sh', ['-c', command], { cwd, env, encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`RUN ${command}\nexit ${ran.status}\n${ran.stdout}${ran.stderr}`);
}

/** Runs a command of the image to its end. */
export function runIn({ folder, env }: Built, command: readonly string[], more: Record<string, string>): Promise<{ exit: number | null; said: string }> {
  const child = spawn(command[0]!, command.slice(1), { cwd: folder, env: { ...env, ...more } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve({ exit, said }));
  });
}
