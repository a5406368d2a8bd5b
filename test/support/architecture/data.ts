/** Rules about SQL, tables and the error catalogue. */
import { EDGES, OWNERS } from './plan.ts';
import { type Finding, finding, findings, type Rule } from './rule.ts';
import type { Source } from './source.ts';
import { importedFiles, placeOf, serverSources, type Tree } from './tree.ts';

const WRITE = /(?<!\b(?:for|do|key)\s+)\b(?:insert\s+into|update|delete\s+from)\s+(\?|"?[a-z_][a-z0-9_]*"?)/gi;
const READ = /(?<!\bdelete\s+)\b(?:from|join)\s+("?[a-z_][a-z0-9_]*"?)/gi;

/** Statements without comments and quoted text, which may hold anything. */
function tablesIn(statement: string, pattern: RegExp): string[] {
  const bare = statement.replaceAll(/--[^\n]*/g, ' ').replaceAll(/'[^']*'/g, "''");
  return [...bare.matchAll(pattern)].map((match) => match[1]!.replaceAll('"', '').toLowerCase()).filter((table) => table !== 'set');
}

/** Who owns what stands in a file: the module, or `platform` for everything that is none. */
function ownerOf(file: string): string {
  const { layer, folder } = placeOf(file);
  return layer === 'modules' ? folder! : 'platform';
}

function ofStatements(tree: Tree, pattern: RegExp, judge: (source: Source, table: string) => string | undefined): Finding[] {
  return serverSources(tree).flatMap((source) =>
    source.statements.flatMap(({ text, line }) =>
      tablesIn(text, pattern).flatMap((table) => {
        const what = judge(source, table);
        return what === undefined ? [] : [finding(source, line, what)];
      }),
    ),
  );
}

export const data: Rule[] = [
  {
    name: 'a module’s SQL stands in its repositories and person faces; reports may read anywhere',
    remedy: 'move the statement to x.repository.ts',
    find: (tree) =>
      serverSources(tree).flatMap((source) => {
        const { layer, folder } = placeOf(source.path);
        if (layer !== 'modules' || folder === 'reports' || /\.(repository|person)\.ts$/.test(source.path)) return [];
        return importedFiles(tree, source)
          .filter(({ file, values }) => file === 'server/platform/db/sql.ts' && values.length > 0)
          .map(({ line }) => finding(source, line, 'writes SQL'));
      }),
  },
  {
    name: 'a table is written by its owner alone',
    remedy:
      'call the owner’s service, or publish an event the owner takes; a new table gets a line in OWNERS; ' +
      'where the name is interpolated, declare in that file what it may be: type XTable = "pets" | "tutors"',
    find: (tree) =>
      ofStatements(tree, WRITE, (source, table) => {
        const writer = ownerOf(source.path);
        const named = table === '?' ? source.tableNames.map(({ text }) => text) : [table];
        if (named.length === 0) return writer === 'platform' ? undefined : 'writes a table whose name cannot be read here';
        const foreign = named.find((name) => OWNERS[name] !== writer);
        return foreign && `${writer} writes ${foreign}, which belongs to ${OWNERS[foreign] ?? 'nobody yet'}`;
      }),
  },
  {
    name: 'a table is read by its owner and by modules with an edge to the owner',
    remedy: 'ask the owner through its front door, or add the edge to EDGES when it is right',
    find: (tree) =>
      ofStatements(tree, READ, (source, table) => {
        const [reader, owner] = [ownerOf(source.path), OWNERS[table]];
        if (owner === undefined || owner === reader || owner === 'platform' || EDGES[reader]?.includes(owner)) return undefined;
        return `${reader} reads ${table}, which belongs to ${owner}`;
      }),
  },
  {
    name: 'every table of the migrations has an owner, and every owned table is there',
    remedy: 'keep OWNERS in step with migrations/',
    find: (tree) => {
      const made = new Map<string, string>();
      for (const [file, text] of tree.migrations) {
        for (const match of text.matchAll(/\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?([a-z_0-9]+)/gi)) made.set(match[1]!.toLowerCase(), file);
      }
      // The runner itself makes the table it keeps its records in.
      const gone = tree.migrations.size === 0 ? [] : Object.keys(OWNERS).filter((table) => table !== 'schema_migrations' && !made.has(table));
      return [
        ...[...made].filter(([table]) => !(table in OWNERS)).map(([table, file]) => ({ where: file, what: `${table} has no owner` })),
        ...gone.map((table) => ({ where: 'test/support/architecture/plan.ts', what: `${table} is in no migration` })),
      ];
    },
  },
  {
    name: 'every error code is declared once, by defineError; a module’s in its x.errors.ts',
    remedy: 'import the factory that exists, or declare a new code in the module’s x.errors.ts',
    find: (tree) => {
      const first = new Map<string, string>();
      return serverSources(tree).flatMap((source) =>
        findings(source, source.errorCodes, (code) => {
          if (placeOf(source.path).layer === 'modules' && !source.path.endsWith('.errors.ts')) return `${code} is declared outside x.errors.ts`;
          if (!/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code)) return `"${code}" is not a literal in UPPER_SNAKE`;
          const before = first.get(code);
          first.set(code, source.path);
          return before === undefined ? undefined : `${code} is declared in ${before} already`;
        }),
      );
    },
  },
];
