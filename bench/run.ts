/** `npm run bench [-- NAME …] [--rounds N] [--small]`: installs the peers, runs the benchmarks one after another, prints every figure beside its goal. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { peersInstalled, type Row } from './harness.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, small: { type: 'boolean', default: false } },
});
if (!peersInstalled()) {
  console.log('bench: installing the peers');
  const { status } = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: import.meta.dirname, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}
const { cachedRead } = await import('./cached-read.ts');
const { write } = await import('./write.ts');
const { cacheLayer } = await import('./cache-layer.ts');
const { cacheRaces } = await import('./cache-races.ts');
const { booking } = await import('./booking.ts');
const { lists } = await import('./lists.ts');
const { startup } = await import('./startup.ts');
const all = [cachedRead, cacheLayer, cacheRaces, write, booking, lists, startup];
const chosen = positionals.length === 0 ? all : all.filter((one) => positionals.includes(one.name));
if (chosen.length === 0) {
  console.error(`bench: no such benchmark; there are ${all.map((one) => one.name).join(', ')}`);
  process.exit(2);
}
console.log(
  `node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${values.rounds} rounds${values.small ? ', small: the figures mean nothing' : ''}\n`,
);
let missed = 0;
for (const benchmark of chosen) {
  const started = performance.now();
  const rows: Row[] = await benchmark.run({ rounds: Number(values.rounds), small: values.small });
  console.log(`## ${benchmark.name} (${((performance.now() - started) / 1000).toFixed(0)} s)\n\n| what | figure | goal | |\n| --- | --- | --- | --- |`);
  for (const row of rows) {
    if (row.reached === false) missed++;
    console.log(`| ${row.what} | ${row.figure} | ${row.goal} | ${row.reached === null ? '' : row.reached ? 'reached' : 'MISSED'} |`);
  }
  console.log('');
}
process.exitCode = missed > 0 ? 1 : 0;
