/** Many tutors at once, by SQL, with ids that sort and can be told from their number. */
import { type Database } from '../server/platform/db/database.ts';
import { sql } from '../server/platform/db/sql.ts';

/** The id of tutor number `n`, from 1. */
export const tutorIdOf = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

/** The moment tutor number `n` was last changed: one every second. */
export const changedAt = (n: number): string => new Date(FIRST_CHANGE + n * 1_000).toISOString();
const FIRST_CHANGE = Date.UTC(2020, 0, 1);

/** Tutors `1…count`, one statement a table. */
export async function insertTutors(db: Database, count: number): Promise<void> {
  const first = new Date(FIRST_CHANGE).toISOString();
  const id = sql`'00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0')`;
  const at = sql`${first}::timestamptz + n * interval '1 second'`;
  await db.run(sql`
    insert into user_profiles (id, phone_number, created_at, updated_at)
    select ${id}, '+5511' || (900000000 + n), ${at}, ${at} from generate_series(1, ${count}::int) n`);
  await db.run(sql`
    insert into tutors (id, name, email, notes, search_name, created_at, updated_at)
    select ${id}, 'Maria Aparecida dos Santos ' || n, 'maria.' || n || '@exemplo.com.br', 'Prefere horários de manhã.', 'maria aparecida dos santos ' || n, ${at}, ${at}
    from generate_series(1, ${count}::int) n`);
}
