/** Rules about imports: a line, not a web. */
import { EDGES } from './plan.ts';
import { type Finding, finding, type Rule } from './rule.ts';
import type { Source } from './source.ts';
import { importCycles, importedFiles, isTestCode, type Layer, placeOf, serverSources, targetOf, type Tree } from './tree.ts';

/** What each layer may import beside itself. */
const BELOW: Readonly<Record<Layer, readonly Layer[]>> = {
  main: ['app', 'platform'],
  app: ['modules', 'channels', 'channel port', 'platform'],
  modules: ['channel port', 'platform'],
  channels: ['channel port', 'platform'],
  'channel port': ['platform'],
  platform: [],
  tests: [],
  unknown: [],
};

const ROOT = 'server/app/build.ts';

type Judge = (from: Source, to: string, tree: Tree) => string | undefined;

/** Every import of one of our files by the server's own code, judged. */
function ofServerImports(judge: Judge): Rule['find'] {
  return (tree) => ofImports(tree, serverSources(tree), judge);
}

function ofImports(tree: Tree, sources: Iterable<Source>, judge: Judge): Finding[] {
  const found: Finding[] = [];
  for (const source of sources) {
    for (const { file, line } of importedFiles(tree, source)) {
      const what = judge(source, file, tree);
      if (what !== undefined) found.push(finding(source, line, what));
    }
  }
  return found;
}

/** Null when the import stays inside one place or one of both is not a module. */
function betweenModules(from: string, to: string): { from: string; to: string } | null {
  const [a, b] = [placeOf(from), placeOf(to)];
  if (a.layer !== 'modules' || b.layer !== 'modules' || a.folder === b.folder) return null;
  return { from: a.folder!, to: b.folder! };
}

export const arrows: Rule[] = [
  {
    name: 'imports go down the line main → app → modules → channels/channel.ts → platform, and channels/x → channels/channel.ts → platform',
    remedy: 'move the code down to where both may reach it, hand it in from app/build.ts, or publish an event',
    find: ofServerImports((source, file) => {
      const [from, to] = [placeOf(source.path), placeOf(file)];
      if (to.layer === 'tests') return undefined;
      if (from.layer === to.layer)
        return from.layer === 'channels' && from.folder !== to.folder ? `channel ${from.folder} imports channel ${to.folder}` : undefined;
      return BELOW[from.layer].includes(to.layer) ? undefined : `${from.layer} imports ${to.layer} (${file})`;
    }),
  },
  {
    name: 'modules import each other only along the edges',
    remedy: 'publish an event, let app/build.ts hand it in, or, when the edge is right, add it to EDGES and to docs/architecture.md',
    find: ofServerImports((source, file) => {
      const pair = betweenModules(source.path, file);
      return !pair || EDGES[pair.from]?.includes(pair.to) ? undefined : `${pair.from} → ${pair.to} is no edge`;
    }),
  },
  {
    name: 'a module is entered only through its index.ts',
    remedy: 'export it from the module’s index.ts and import `#modules/<module>/index`',
    find: ofServerImports((source, file) => {
      const [from, to] = [placeOf(source.path), placeOf(file)];
      if (to.layer !== 'modules' || (from.layer === 'modules' && from.folder === to.folder)) return undefined;
      return file === `server/modules/${to.folder}/index.ts` ? undefined : `${file} is inside ${to.folder}`;
    }),
  },
  {
    name: 'app/build.ts is imported by main, tests, scripts and benches only',
    remedy: 'take what you need as an argument',
    find: ofServerImports((source, file) => (file === ROOT && source.path !== 'server/main.ts' ? 'imports the composition root' : undefined)),
  },
  {
    name: 'the server imports no tests, scripts or benches',
    remedy: 'move the shared code into the server',
    find: ofServerImports((_, file) => (isTestCode(file) ? `imports ${file}` : undefined)),
  },
  {
    name: 'no files import each other in a circle, types included',
    remedy: 'move what both need into a third file, or pass it as an argument',
    find: (tree) => importCycles(tree).map((knot) => ({ where: knot[0]!, what: `in a circle with ${knot.slice(1).join(', ')}` })),
  },
  {
    name: 'every import can be followed to a file',
    remedy: 'import an existing file by a literal path (`./x.ts`, `#platform/x`)',
    find: (tree) =>
      [...tree.sources.values()].flatMap((source) => [
        ...source.unreadableImports.map(({ line, text }) => finding(source, line, text)).filter(() => !isTestCode(source.path)),
        ...source.imports.flatMap(({ specifier, line }) =>
          targetOf(tree, source.path, specifier).kind === 'missing' ? [finding(source, line, `${specifier} is not there`)] : [],
        ),
      ]),
  },
  {
    name: 'the server imports only packages that production installs, and node: modules by their full name',
    remedy: 'move the package to dependencies, or write `node:`',
    find: (tree) =>
      serverSources(tree).flatMap((source) =>
        source.imports.flatMap(({ specifier, line }) => {
          const target = targetOf(tree, source.path, specifier);
          return target.kind === 'package' && !tree.packages.has(target.name) ? [finding(source, line, `${target.name} is not in dependencies`)] : [];
        }),
      ),
  },
];
