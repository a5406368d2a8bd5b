/** The size table of `npm run check`, and the limits it holds the code to. */
import { importCycles, isTestCode, serverSources, type Tree } from '../test/support/architecture/tree.ts';
import type { Source } from '../test/support/architecture/source.ts';

const LIMITS = { server: 400, inbound: 250, p90: 250, tests: 600, least: 15, function: 60, median: [60, 120] } as const;

/** Files an inbound message passes through. */
const INBOUND = /^server\/(channels|modules\/(conversations|assistant))\//;
/** Short by nature: a front door, a few error codes, a declared face, the way in. */
const MAY_BE_SHORT = /\/index\.ts$|\.(errors|person)\.ts$|^server\/main\.ts$/;

export interface Sizes {
  table: string;
  /** Broken limits, each with its file. */
  faults: string[];
}

export function measure(tree: Tree): Sizes {
  const server = serverSources(tree);
  const tests = [...tree.sources.values()].filter((source) => isTestCode(source.path) && /^(server|test)\//.test(source.path));
  const tools = [...tree.sources.values()].filter((source) => /^(scripts|bench)\//.test(source.path));
  const knots = importCycles(tree);
  const header = ['code', 'files', 'lines', 'median / p90 / max', 'in import cycles', 'comment lines', 'longest function'];
  const rows = [row('server', server, String(knots.flat().length)), row('tests', tests, ''), row('scripts, bench', tools, '')];
  const ratio = sum(tests) / Math.max(1, sum(server));
  const [low, high] = LIMITS.median;
  const middle = percentile(server, 0.5);
  return {
    table: [...columns([header, ...rows]), `test:source ${ratio.toFixed(2)}; median of the server's files ${middle} (aim: ${low} to ${high})`].join('\n'),
    faults: [
      ...serverFaults(server),
      ...tests.flatMap((source) => tooLong(source, LIMITS.tests)),
      ...[...server, ...tools].flatMap(longFunctions),
      ...knots.map((knot) => `import cycle: ${knot.join(', ')}`),
    ],
  };
}

function serverFaults(server: Source[]): string[] {
  const p90 = percentile(server, 0.9);
  return [
    ...(p90 > LIMITS.p90 ? [`nine in ten files should be below ${LIMITS.p90} lines; now it is ${p90}`] : []),
    ...server.flatMap((source) => tooLong(source, INBOUND.test(source.path) ? LIMITS.inbound : LIMITS.server)),
    ...server
      .filter(({ path, lines }) => lines < LIMITS.least && !MAY_BE_SHORT.test(path))
      .map(({ path, lines }) => `${path}: ${lines} lines, fewer than ${LIMITS.least}: join it to its neighbour`),
  ];
}

function tooLong({ path, lines }: Source, limit: number): string[] {
  return lines > limit ? [`${path}: ${lines} lines, more than ${limit}: it is two things`] : [];
}

function longFunctions({ path, functions }: Source): string[] {
  return functions
    .filter(({ lines }) => lines > LIMITS.function)
    .map(({ line, lines }) => `${path}:${line}: a function of ${lines} lines, more than ${LIMITS.function}`);
}

function row(name: string, sources: Source[], cycles: string): string[] {
  const comments = sources.reduce((total, { commentLines }) => total + commentLines, 0);
  return [
    name,
    String(sources.length),
    String(sum(sources)),
    [0.5, 0.9, 1].map((share) => percentile(sources, share)).join(' / '),
    cycles,
    `${Math.round((100 * comments) / Math.max(1, sum(sources)))} %`,
    String(Math.max(0, ...sources.flatMap(({ functions }) => functions.map(({ lines }) => lines)))),
  ];
}

function sum(sources: Source[]): number {
  return sources.reduce((total, { lines }) => total + lines, 0);
}

function percentile(sources: Source[], share: number): number {
  const sorted = sources.map(({ lines }) => lines).sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function columns(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)));
  return rows.map((cells) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}
