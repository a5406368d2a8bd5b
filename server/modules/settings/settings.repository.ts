/** All SQL about sections. A row whose value is null was never set, or was set back: its section's initial value holds. */
import type { Queryable } from '#platform/db/database';
import { dbNow, inList } from '#platform/db/dialect';
import { sql } from '#platform/db/sql';
import type { SectionKey } from './sections.ts';

export interface SectionRow {
  section: SectionKey;
  value: object | null;
  version: number;
  updated_at: string;
}

const columns = sql`section, value, version, updated_at`;

export function listSections(db: Queryable, keys: readonly SectionKey[]): Promise<SectionRow[]> {
  return db.all<SectionRow>(sql`select ${columns} from settings where section in ${inList(keys)}`);
}

/** The section's row, made when there is none (version 0) and held until the transaction ends, so that two changes merge one after the other. */
export async function lockSection(tx: Queryable, key: SectionKey): Promise<SectionRow> {
  const row = await tx.first<SectionRow>(sql`
    insert into settings (section, value, version, updated_at) values (${key}, null, 0, ${dbNow})
    on conflict (section) do update set section = excluded.section returning ${columns}`);
  return row!;
}

export async function storeSection(tx: Queryable, key: SectionKey, value: object | null): Promise<SectionRow> {
  const row = await tx.first<SectionRow>(sql`
    update settings set value = ${value}, version = version + 1, updated_at = ${dbNow} where section = ${key} returning ${columns}`);
  return row!;
}
