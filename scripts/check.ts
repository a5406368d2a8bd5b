/** `npm run check`: types, lint, format, arrows, dead code, sizes. A line each, details of what fails; exits 1 when anything does. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { rules } from '../test/support/architecture/rules.ts';
import { readTree, type Tree } from '../test/support/architecture/tree.ts';
import { measure } from './sizes.ts';

const root = path.resolve(import.meta.dirname, '..');

interface Verdict {
  step: string;
  ok: boolean;
  seconds: number;
  /** Shown when it failed. */
  details: string;
}

/** Characters of one step's details; whoever needs more runs the tool itself. */
const DETAILS = 4_000;

const tools: { step: string; package: string; bin: string; args: string[] }[] = [
  { step: 'types', package: 'typescript', bin: 'tsc', args: ['--noEmit', '-p', '.'] },
  { step: 'lint', package: 'oxlint', bin: 'oxlint', args: ['--format=unix'] },
  { step: 'format', package: 'oxfmt', bin: 'oxfmt', args: ['--list-different', '.'] },
  { step: 'dead code', package: 'knip', bin: 'knip', args: ['--no-progress', '--no-config-hints'] },
];

function runTool({ step, package: name, bin, args }: (typeof tools)[number]): Promise<Verdict> {
  const manifest = JSON.parse(readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8')) as { bin: string | Record<string, string> };
  const file = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin]!;
  const started = performance.now();
  const child = spawn(process.execPath, [path.join(root, 'node_modules', name, file), ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve) => {
    const done = (ok: boolean, details: string) => resolve({ step, ok, seconds: (performance.now() - started) / 1000, details });
    child.once('error', (error) => done(false, error.message));
    child.once('close', (code) => done(code === 0, Buffer.concat(output).toString().trim()));
  });
}

function judge(step: string, find: () => string[]): Verdict {
  const started = performance.now();
  const faults = find();
  return { step, ok: faults.length === 0, seconds: (performance.now() - started) / 1000, details: faults.join('\n') };
}

function brokenRules(tree: Tree): string[] {
  return rules.flatMap((rule) => {
    const found = rule.find(tree);
    return found.length === 0 ? [] : [`${rule.name}`, ...found.map(({ where, what }) => `  ${where} ${what}`), `  to do: ${rule.remedy}`];
  });
}

const started = performance.now();
const running = tools.map(runTool);
const tree = readTree(root);
const sizes = measure(tree);
const verdicts = [...(await Promise.all(running)), judge('arrows', () => brokenRules(tree)), judge('sizes', () => sizes.faults)];
for (const { step, ok, seconds, details } of verdicts) {
  console.log(`${step.padEnd(10)} ${ok ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(5)} s`);
  if (!ok) console.log(`${details.slice(0, DETAILS)}${details.length > DETAILS ? '\n…' : ''}\n`);
}
console.log(`\n${sizes.table}\n`);
const failed = verdicts.filter(({ ok }) => !ok).map(({ step }) => step);
const total = `${((performance.now() - started) / 1000).toFixed(1)} s`;
console.log(failed.length === 0 ? `check passed in ${total}` : `check failed (${failed.join(', ')}) in ${total}`);
process.exitCode = failed.length === 0 ? 0 : 1;
