/** `docs/schema.md`: the tables of a freshly migrated database, asked of the database itself. */
import type { Database } from '../../server/platform/db/database.ts';
import { sql } from '../../server/platform/db/sql.ts';
import { OWNERS } from '../../test/support/architecture/plan.ts';
import { code, NOTICE, page, table } from './markdown.ts';
import { columnNotes } from './table-text.ts';

interface Column {
  name: string;
  type: string;
  /** 1 for `not null`. */
  notnull: number;
  dflt_value: string | null;
  /** Place in the primary key, from 1; 0 outside it. */
  pk: number;
}
interface Reference {
  id: number;
  from: string;
  table: string;
  to: string | null;
  on_delete: string;
}
interface Index {
  name: string;
  unique: number;
  /** `c`: created by name; `u`: a unique constraint; `pk`. */
  origin: string;
  partial: number;
  sql: string | null;
  columns: string[];
}
export interface Table {
  name: string;
  /** The text it was created with. */
  text: string;
  columns: Column[];
  references: Reference[];
  indexes: Index[];
}

/** Every table of a migrated SQLite database, by name. */
export async function readTables(db: Database): Promise<Table[]> {
  const rows = await db.all<{ name: string; text: string }>(
    sql`select name, sql as text from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name`,
  );
  const tables: Table[] = [];
  for (const { name, text } of rows) {
    const columns = await db.all<Column>(sql`select name, type, "notnull", dflt_value, pk from pragma_table_info(${name}) order by cid`);
    const references = await db.all<Reference>(sql`select id, "from", "table", "to", on_delete from pragma_foreign_key_list(${name}) order by id, seq`);
    const found = await db.all<Omit<Index, 'columns'>>(
      sql`select l.name, l."unique", l.origin, l.partial, m.sql from pragma_index_list(${name}) l left join sqlite_master m on m.name = l.name where l.origin <> 'pk' order by l.name`,
    );
    const indexes: Index[] = [];
    for (const index of found) {
      const members = await db.all<{ name: string }>(sql`select name from pragma_index_info(${index.name}) order by seqno`);
      indexes.push({ ...index, columns: members.map((one) => one.name) });
    }
    tables.push({ name, text, columns, references, indexes });
  }
  return tables;
}

export function schemaPage(tables: readonly Table[]): string {
  const owners = [...new Set(Object.values(OWNERS))];
  const unowned = tables.filter((one) => OWNERS[one.name] === undefined).map((one) => one.name);
  if (unowned.length > 0) throw new Error(`no module owns ${unowned.join(', ')}`);
  const sections = owners.flatMap((owner) => {
    const owned = tables.filter((one) => OWNERS[one.name] === owner);
    return owned.length === 0 ? [] : [`## ${owner}`, ...owned.flatMap(section)];
  });
  return page(
    '# Schema',
    NOTICE,
    'PostgreSQL and SQLite hold the same tables with the same columns; each is written by one module only, under whose name it stands here. ' +
      'Types are those of the declarations: SQLite keeps a `timestamptz` as canonical UTC text (`2027-02-03T13:00:00.000Z`), a `date` as `YYYY-MM-DD`, `json` as its text and a `boolean` as 0 or 1; the driver answers the same values on both. ' +
      'Ids are UUIDv7 made by the server, money is integer cents.',
    'What differs: numbered rows (`seq`) are identity columns on PostgreSQL and `autoincrement` on SQLite; that no resource unit is booked twice is an exclusion constraint on PostgreSQL (`btree_gist`) and a pair of triggers on SQLite.',
    '## Relations',
    diagram(tables),
    ...sections,
  );
}

function section(one: Table): string[] {
  const notes = columnNotes(one.text);
  const alone = new Set(one.indexes.filter((index) => index.origin === 'u' && index.columns.length === 1).map((index) => index.columns[0]));
  const rows = one.columns.map((column) => {
    const note = notes.get(column.name);
    const keys = [
      ...(column.pk > 0 ? ['primary key'] : []),
      ...(alone.has(column.name) ? ['unique'] : []),
      ...one.references
        .filter((reference) => reference.from === column.name)
        .map((reference) => `→ ${code(reference.table)}, on delete ${reference.on_delete.toLowerCase()}`),
    ];
    const rules = [
      ...(column.dflt_value === null ? [] : [`default ${code(column.dflt_value)}`]),
      ...(note?.check ? [code(note.check)] : []),
      ...(note?.comment ? [note.comment] : []),
    ];
    return [code(column.name), column.type.toLowerCase() + (column.notnull || column.pk ? '' : '?'), keys.join('; '), rules.join('; ')];
  });
  const indexes = one.indexes.filter((index) => index.origin === 'c' || index.columns.length > 1).map(indexWords);
  const checks = notes.get('')?.check;
  return [
    `### ${one.name}`,
    table(['column', 'type', 'key', 'rules'], rows),
    [...(checks ? [`Rules: ${code(checks)}.`] : []), ...(indexes.length > 0 ? [`Indexes: ${indexes.join(', ')}.`] : [])].join(' '),
  ];
}

function indexWords(index: Index): string {
  const where = /\bwhere\b(.*)$/is.exec(index.sql ?? '')?.[1]?.trim();
  return `${index.unique ? 'unique ' : ''}${code(`(${index.columns.join(', ')})`)}${where ? ` where ${code(where)}` : ''}`;
}

/** Every foreign key: one to one where the column alone is a key, else one to many; the left end is optional where it may be null. */
function diagram(tables: readonly Table[]): string {
  const lines = tables.flatMap((one) => {
    const keys = one.columns.filter((column) => column.pk > 0).map((column) => column.name);
    const uniques = one.indexes.filter((index) => index.unique && !index.partial && index.columns.length === 1).map((index) => index.columns[0]);
    return one.references.map((reference) => {
      const single = uniques.includes(reference.from) || (keys.length === 1 && keys[0] === reference.from);
      const optional = one.columns.find((column) => column.name === reference.from)!.notnull === 0 && !keys.includes(reference.from);
      return `  ${reference.table} ${optional ? '|o' : '||'}--${single ? 'o|' : 'o{'} ${one.name} : ${reference.from}`;
    });
  });
  return ['```mermaid', 'erDiagram', ...lines, '```'].join('\n');
}
