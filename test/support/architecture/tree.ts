/** The project's own files as the rules see them, and what is where. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readSource, type Source } from './source.ts';

export interface Tree {
  /** By path from the project's root, with forward slashes. */
  sources: ReadonlyMap<string, Source>;
  /** Texts of `migrations/*.sql`, by path. */
  migrations: ReadonlyMap<string, string>;
  /** Packages that `npm ci --omit=dev` installs. */
  packages: ReadonlySet<string>;
}

const SOURCES = '{server,test,scripts,bench}/**/*.{ts,mjs}';

/** Reads the project in `root`. */
export function readTree(root: string): Tree {
  const files = globSync([SOURCES, 'migrations/*.sql', 'package.json'], { cwd: root, exclude: ['**/node_modules'] });
  return treeOf(Object.fromEntries(files.map((file) => [file.split(path.sep).join('/'), readFileSync(path.join(root, file), 'utf8')])));
}

/** A tree from texts by path, e.g. one made up by a test. */
export function treeOf(files: Readonly<Record<string, string>>): Tree {
  const entries = Object.entries(files);
  const manifest = JSON.parse(files['package.json'] ?? '{}') as { dependencies?: object; optionalDependencies?: object };
  return {
    sources: new Map(entries.filter(([file]) => /\.(ts|mjs)$/.test(file)).map(([file, text]) => [file, readSource(file, text)])),
    migrations: new Map(entries.filter(([file]) => file.endsWith('.sql'))),
    packages: new Set([...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.optionalDependencies ?? {})]),
  };
}

export type Layer = 'main' | 'app' | 'modules' | 'channel port' | 'channels' | 'platform' | 'tests' | 'unknown';

export interface Place {
  layer: Layer;
  /** The module's or channel's folder name. */
  folder?: string;
}

/** Suites, the contracts drivers share and the fixtures beside them are test code wherever they stand. */
export function isTestCode(file: string): boolean {
  return !file.startsWith('server/') || /\.(test|contract|fixtures)\.ts$/.test(file);
}

export function placeOf(file: string): Place {
  if (isTestCode(file)) return { layer: 'tests' };
  if (file === 'server/main.ts') return { layer: 'main' };
  const [, area, name, inside] = file.split('/');
  if (area === 'app' || area === 'platform') return { layer: area };
  if (area === 'channels' && name !== undefined) return inside === undefined ? { layer: 'channel port' } : { layer: 'channels', folder: name };
  if (area === 'modules' && name !== undefined && inside !== undefined) return { layer: 'modules', folder: name };
  return { layer: 'unknown' };
}

/** The server's sources without test code. */
export function serverSources(tree: Tree): Source[] {
  return [...tree.sources.values()].filter((source) => !isTestCode(source.path));
}

/** The file an import names, or the package. `missing`: ours, but not there. */
export type Target = { kind: 'file'; file: string } | { kind: 'missing'; file: string } | { kind: 'package'; name: string } | { kind: 'node' };

export function targetOf(tree: Tree, from: string, specifier: string): Target {
  const file = specifier.startsWith('#')
    ? `server/${specifier.slice(1)}.ts`
    : specifier.startsWith('.')
      ? path.posix.join(path.posix.dirname(from), specifier)
      : undefined;
  if (file !== undefined) return { kind: tree.sources.has(file) || !/\.(ts|mjs)$/.test(file) ? 'file' : 'missing', file };
  if (specifier.startsWith('node:')) return { kind: 'node' };
  return {
    kind: 'package',
    name: specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/'),
  };
}

/** Our own files that a source imports. */
export function importedFiles(tree: Tree, source: Source): { file: string; line: number; values: string[] }[] {
  return source.imports.flatMap(({ specifier, line, values }) => {
    const target = targetOf(tree, source.path, specifier);
    return target.kind === 'file' ? [{ file: target.file, line, values }] : [];
  });
}

/** Groups of server files that import each other in a circle, types included; largest first. */
export function importCycles(tree: Tree): string[][] {
  const sources = new Map(serverSources(tree).map((source) => [source.path, source]));
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const knots: string[][] = [];
  // Tarjan's strongly connected components.
  const connect = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file)!);
    stack.push(file);
    for (const next of importedFiles(tree, sources.get(file)!)) {
      if (!sources.has(next.file)) continue;
      if (!index.has(next.file)) connect(next.file);
      if (stack.includes(next.file)) low.set(file, Math.min(low.get(file)!, low.get(next.file)!));
    }
    if (low.get(file) !== index.get(file)) return;
    const knot = stack.splice(stack.indexOf(file));
    if (knot.length > 1) knots.push(knot);
  };
  for (const file of sources.keys()) if (!index.has(file)) connect(file);
  return knots.sort((a, b) => b.length - a.length);
}
