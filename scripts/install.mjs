/**
 * Installs what is missing, before `npm start`, `npm test` and the like. Runs on whatever Node the machine has (20 or newer)
 * and imports nothing but Node itself, since nothing else is there yet.
 *
 *   node scripts/install.mjs            the project
 *   node scripts/install.mjs bench      and the folder's own packages (it has a package-lock.json)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
// Serving needs no development packages, so an image that left them out is complete.
const production = process.env.npm_lifecycle_event === 'prestart';

/** Reads JSON; undefined when the file is not there or was cut off. */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

const needed = Number(/\d+/.exec(readJson(path.join(root, 'package.json')).engines.node)[0]);
const hostIsOld = Number.parseInt(process.versions.node, 10) < needed;

/**
 * True when `node_modules` holds what the lock file demands. npm writes its own record of what it installed as the last step,
 * so an interrupted install counts as none. Optional packages may be missing: they belong to other platforms.
 */
function isInstalled(folder) {
  const wanted = readJson(path.join(folder, 'package-lock.json'))?.packages;
  const present = readJson(path.join(folder, 'node_modules/.package-lock.json'))?.packages;
  if (!wanted) fail(`${path.join(folder, 'package-lock.json')} is missing or damaged; restore it with git.`);
  if (!present) return false;
  for (const [where, entry] of Object.entries(wanted)) {
    if (where === '' || !where.includes('node_modules/')) continue;
    const found = present[where];
    if (found ? found.version !== entry.version || found.integrity !== entry.integrity : isDemanded(where, entry)) return false;
  }
  return true;
}

function isDemanded(where, entry) {
  if (where.startsWith('node_modules/node-')) return hostIsOld && !!entry.os?.includes(process.platform) && !!entry.cpu?.includes(process.arch);
  if (entry.optional || entry.devOptional) return false;
  return !(entry.dev && production);
}

/** Runs npm with the very npm that runs us, on any platform; its words are shown only when it fails. */
function install(folder) {
  const name = path.relative(root, folder) || 'caramelo';
  const started = performance.now();
  console.log(`${name}: installing packages (npm ci) ...`);
  const args = ['ci', '--loglevel=error', '--no-audit', '--no-fund', '--no-progress'];
  // Tests and checks need the development packages even where NODE_ENV=production would leave them out.
  if (!production) args.push('--include=dev');
  const npm = process.env.npm_execpath;
  const options = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 };
  const run = npm ? spawnSync(process.execPath, [npm, ...args], options) : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (run.status !== 0) {
    process.stderr.write(`${run.stdout ?? ''}${run.stderr ?? ''}`);
    fail(`npm ci failed (${run.error?.message ?? run.signal ?? `exit ${run.status}`}). Check the network and the messages above, then try again.`);
  }
  console.log(`${name}: installed in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** The runtime comes with the packages where one exists for the platform; elsewhere the machine's own Node must be new enough. */
function checkRuntime() {
  if (existsSync(path.join(root, 'node_modules/.bin', process.platform === 'win32' ? 'node.cmd' : 'node'))) return;
  if (!hostIsOld) return;
  fail(
    `this machine runs Node ${process.versions.node}; Caramelo needs Node ${needed} or newer, and no packaged one exists for ${process.platform}-${process.arch}.\n` +
      `Install it from https://nodejs.org (or with your version manager: "nvm install ${needed}", "fnm use ${needed}") and run the command again.`,
  );
}

function fail(message) {
  console.error(`caramelo: ${message}`);
  process.exit(1);
}

for (const folder of [root, ...process.argv.slice(2).map((name) => path.join(root, name))]) {
  if (!isInstalled(folder)) install(folder);
}
checkRuntime();
