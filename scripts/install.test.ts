import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const LOCKED = {
  '': { name: 'made-up' },
  'node_modules/served': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/only-tests': { version: '2.0.0', integrity: 'sha512-b', dev: true },
  'node_modules/other-platform': { version: '3.0.0', integrity: 'sha512-c', optional: true },
};

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'caramelo-install-'));
  mkdirSync(path.join(root, 'scripts'));
  cpSync(path.join(import.meta.dirname, 'install.mjs'), path.join(root, 'scripts/install.mjs'));
  write('package.json', { engines: { node: '>=24' } });
  write('package-lock.json', { packages: LOCKED });
  // Stands in for npm: notes how it was called and leaves the record of an install.
  writeFileSync(
    path.join(root, 'npm.cjs'),
    `const fs = require('node:fs');
     fs.appendFileSync('${path.join(root, 'calls')}', process.argv.slice(2).join(' ') + '\\n');
     if (process.env.BREAK) { console.error('no network'); process.exit(1); }
     fs.mkdirSync('node_modules', { recursive: true });
     fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');`,
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, content: object): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), JSON.stringify(content));
}

function installed(...without: string[]): void {
  write('node_modules/.package-lock.json', {
    packages: Object.fromEntries(Object.entries(LOCKED).filter(([where]) => !without.some((name) => where.endsWith(name)))),
  });
}

function run(script: string, args: string[] = [], env: Record<string, string> = {}) {
  const options = { encoding: 'utf8', env: { npm_lifecycle_event: script, npm_execpath: path.join(root, 'npm.cjs'), ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'scripts/install.mjs'), ...args], options);
  const calls = path.join(root, 'calls');
  return { status, stdout, stderr, calls: existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [] };
}

test('a fresh clone is installed once, and says so in one line before and one after', () => {
  const first = run('prestart');
  expect(first).toMatchObject({ status: 0, stderr: '' });
  expect(first.stdout).toMatch(/^caramelo: installing packages \(npm ci\) \.\.\.\ncaramelo: installed in \d+\.\d s\n$/);
  expect(run('prestart')).toMatchObject({ status: 0, stdout: '', calls: first.calls });
  expect(first.calls).toHaveLength(1);
});

test('a changed lock file and an interrupted install are installed anew', () => {
  installed();
  write('package-lock.json', { packages: { ...LOCKED, 'node_modules/served': { version: '1.0.1', integrity: 'sha512-z' } } });
  expect(run('prestart').calls).toHaveLength(1);
  rmSync(path.join(root, 'node_modules/.package-lock.json'));
  expect(run('prestart').calls).toHaveLength(2);
});

test('packages of other platforms may be missing', () => {
  installed('other-platform');
  expect(run('pretest')).toMatchObject({ status: 0, stdout: '', calls: [] });
});

test('serving is content without development packages; tests are not, whatever NODE_ENV says', () => {
  installed('only-tests');
  expect(run('prestart', [], { NODE_ENV: 'production' })).toMatchObject({ status: 0, stdout: '', calls: [] });
  expect(run('pretest', [], { NODE_ENV: 'production' }).calls).toEqual([expect.stringContaining('--include=dev')]);
});

test('a folder with packages of its own is installed after the project', () => {
  installed();
  write('bench/package-lock.json', { packages: { 'node_modules/peer': { version: '1.0.0' } } });
  expect(run('prebench', ['bench']).stdout).toContain('bench: installing');
  expect(existsSync(path.join(root, 'bench/node_modules/.package-lock.json'))).toBe(true);
});

test('when npm fails its words are shown, and what to do', () => {
  const failed = run('prestart', [], { BREAK: '1' });
  expect(failed.status).toBe(1);
  expect(failed.stderr).toMatch(/no network[\s\S]*npm ci failed \(exit 1\)\. Check the network/);
});

test('a machine whose Node is too old, without a packaged one, is told so', () => {
  write('package.json', { engines: { node: '>=99' } });
  installed();
  const failed = run('prestart');
  expect(failed.status).toBe(1);
  expect(failed.stderr).toMatch(/needs Node 99 or newer[\s\S]*https:\/\/nodejs\.org/);
});
