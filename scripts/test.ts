/**
 * `npm test [-- path or vitest option …]`: runs the suite and ends with one plain line, `N passed, N failed[, N skipped]`.
 * Exits 0 only when something ran and nothing failed.
 */
import { fork } from 'node:child_process';
import path from 'node:path';
import type { Tally } from '../test/support/tally-reporter.ts';

const root = path.resolve(import.meta.dirname, '..');

function run(args: readonly string[]): Promise<{ exit: number; tally: Tally }> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, reasons: [] };
  const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' };
  const child = fork(path.join(root, 'node_modules/vitest/vitest.mjs'), ['run', ...args], { cwd: root, env, stdio: 'inherit', execArgv: [] });
  child.on('message', (counted: Tally) => Object.assign(tally, counted));
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  // The terminal sends Ctrl+C to both; waiting here lets vitest close what it opened.
  process.on('SIGINT', () => undefined);
  return new Promise((resolve) => {
    child.once('error', () => resolve({ exit: 1, tally }));
    child.once('close', (code) => resolve({ exit: code ?? 1, tally }));
  });
}

const { exit, tally } = await run(process.argv.slice(2));
const failedElsewhere = exit !== 0 && tally.failed === 0;
const failed = tally.failed + (failedElsewhere ? 1 : 0);
for (const reason of tally.reasons) console.log(`skipped: ${reason}`);
if (failedElsewhere) console.log(`the run itself failed (exit ${exit}); counted as one`);
console.log(`${tally.passed} passed, ${failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
