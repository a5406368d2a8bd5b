/**
 * Racers for the same times over HTTP: one wins each, the others are told so, nothing else happens. On PostgreSQL through two
 * instances, beside the same server on the same tables where a plain unique key stands in for the exclusion constraint; on SQLite
 * through one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../server/platform/db/database.ts';
import { openPostgres } from '../server/platform/db/postgres.ts';
import { sql } from '../server/platform/db/sql.ts';
import { openSqlite } from '../server/platform/db/sqlite.ts';
import { type Benchmark, countRow, cpuMicros, cpuMicrosOfBackends, median, percentile, ratio, type Row, showRatio } from './harness.ts';
import { type Instance, startInstance } from './instance.ts';
import { makeDatabase, REDIS_URL } from './place.ts';

const RACERS = 64;
const SLOTS = 1_000;
const ALL_DAY = ['00:00-24:00'];

export const booking: Benchmark = {
  name: 'booking',
  async run({ rounds, small }) {
    const slots = small ? 24 : SLOTS;
    return [...(await onPostgres(slots, rounds)), ...(await onSqlite(slots))];
  },
};

interface Clinic {
  service_id: string;
  /** One for each racer. */
  visitors: { tutor_id: string; pet_id: string }[];
  /** Starts that do not overlap, each used once. */
  take(many: number): string[];
}

/** Opens day and night, so that a few weeks hold the slots. */
async function makeClinic(on: Instance, slots: number): Promise<Clinic> {
  await on.make('PATCH', '/api/settings/hours', { mon: ALL_DAY, tue: ALL_DAY, wed: ALL_DAY, thu: ALL_DAY, fri: ALL_DAY, sat: ALL_DAY, sun: ALL_DAY });
  const { id: service_id } = await on.make('POST', '/api/services', { name: 'Banho', duration_minutes: 30, price_cents: 6_000 });
  const visitors = [];
  for (let n = 0; n < RACERS; n++) {
    const { id: tutor_id } = await on.make('POST', '/api/tutors', { name: `Tutora ${n}`, phone: `+55119${String(80_000_000 + n)}` });
    const { id: pet_id } = await on.make('POST', `/api/tutors/${tutor_id}/pets`, { name: 'Thor', species: 'dog' });
    visitors.push({ tutor_id, pet_id });
  }
  const starts: string[] = [];
  for (let day = 2; starts.length < slots; day += 60) {
    const date = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
    const free = await on.make<{ starts_at: string }[]>(
      'GET',
      `/api/appointments/availability?service_id=${service_id}&from=${date(day)}&to=${date(day + 59)}`,
    );
    starts.push(...free.map(({ starts_at }) => starts_at));
  }
  return { service_id, visitors, take: (many) => starts.splice(0, many) };
}

interface Tally {
  won: number;
  lost: number;
  /** Slots that had another number of winners than one. */
  unfair: number;
  /** Statuses and codes that were neither, with how often. */
  other: Map<string, number>;
  ms: number[];
  perSecond: number;
}

/** All racers at once for one slot after another, spread over the instances. */
async function race(instances: readonly Instance[], { service_id, visitors }: Clinic, slots: readonly string[]): Promise<Tally> {
  const tally: Tally = { won: 0, lost: 0, unfair: 0, other: new Map(), ms: [], perSecond: 0 };
  const began = performance.now();
  for (const starts_at of slots) {
    const answers = await Promise.all(
      visitors.map((visitor, i) => instances[i % instances.length]!.call('POST', '/api/appointments', { ...visitor, service_id, starts_at })),
    );
    const winners = answers.filter(({ status }) => status === 201).length;
    if (winners !== 1) tally.unfair++;
    tally.won += winners;
    for (const { status, text, ms } of answers) {
      tally.ms.push(ms);
      if (status === 201) continue;
      const code = `${status} ${(JSON.parse(text) as { code: string }).code}`;
      if (code === '409 SLOT_TAKEN') tally.lost++;
      else tally.other.set(code, (tally.other.get(code) ?? 0) + 1);
    }
  }
  tally.perSecond = tally.ms.length / ((performance.now() - began) / 1_000);
  return tally;
}

function together(tallies: readonly Tally[]): Tally {
  const other = new Map<string, number>();
  for (const [code, times] of tallies.flatMap((tally) => [...tally.other])) other.set(code, (other.get(code) ?? 0) + times);
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  return {
    won: sum((t) => t.won),
    lost: sum((t) => t.lost),
    unfair: sum((t) => t.unfair),
    other,
    ms: tallies.flatMap((t) => t.ms),
    perSecond: median(tallies.map((t) => t.perSecond)),
  };
}

function rowsOf(where: string, tally: Tally, slots: number, stored: Stored): Row[] {
  const others = [...tally.other].map(([code, times]) => `${times} x ${code}`).join(', ');
  const unexpected = [...tally.other.values()].reduce((sum, times) => sum + times, 0);
  const times = [0.5, 0.99, 1].map((share) => percentile(tally.ms, share).toFixed(0)).join(', ');
  return [
    countRow(
      `${where}, ${RACERS} racers for each of ${slots} times: winners`,
      tally.won,
      slots,
      tally.unfair > 0 ? `${tally.unfair} times without exactly one` : '',
    ),
    countRow(`${where}: refused with 409 SLOT_TAKEN`, tally.lost, slots * (RACERS - 1)),
    countRow(`${where}: any other answer`, unexpected, 0, others),
    countRow(`${where}: visits in the database that lack a place or share it`, stored.unsound, 0, `${stored.visits} visits`),
    { what: `${where}: attempts a second; p50, p99, longest in ms`, figure: `${tally.perSecond.toFixed(0)}; ${times}`, goal: '-', reached: null },
  ];
}

interface Stored {
  visits: number;
  unsound: number;
}

async function readStored(db: Database): Promise<Stored> {
  const visits = await db.first<{ n: number }>(sql`select count(*) as n from appointments`);
  const alone = await db.first<{ n: number }>(sql`select count(*) as n from appointments where id not in (select appointment_id from appointment_resources)`);
  const shared = await db.first<{ n: number }>(sql`
    select count(*) as n from appointment_resources a join appointment_resources b
      on a.resource_id = b.resource_id and a.unit = b.unit and a.appointment_id < b.appointment_id and a.busy_from < b.busy_to and b.busy_from < a.busy_to`);
  return { visits: visits!.n, unsound: alone!.n + shared!.n };
}

async function onPostgres(slots: number, rounds: number): Promise<Row[]> {
  const place = await makeDatabase('booking');
  const instances: Instance[] = [];
  const db = openPostgres({ url: place.url, poolMax: 1, applicationName: 'caramelo bench', onError: console.error });
  try {
    for (let n = 0; n < 2; n++) instances.push(await startInstance({ DATABASE_URL: place.url, REDIS_URL }));
    const perRound = Math.ceil(slots / rounds);
    const clinic = await makeClinic(instances[0]!, slots + perRound * (rounds + 1));
    const cpu = async () => instances.reduce((sum, { pid }) => sum + cpuMicros(pid), 0) + cpuMicrosOfBackends(place.url);
    const costOf = async (times: readonly string[]) => {
      const before = await cpu();
      const tally = await race(instances, clinic, times);
      return { ...tally, cpu: ((await cpu()) - before) / tally.ms.length };
    };
    const twins: Awaited<ReturnType<typeof costOf>>[] = [];
    const ours: typeof twins = [];
    await useUniqueKey(db);
    await costOf(clinic.take(Math.min(perRound, 50)));
    for (let left = slots; left > 0; left -= perRound) {
      await useUniqueKey(db);
      // A part is enough to compare with.
      twins.push(await costOf(clinic.take(Math.ceil(Math.min(perRound, left) / 8))));
      await useExclusion(db);
      ours.push(await costOf(clinic.take(Math.min(perRound, left))));
    }
    const stored = await readStored(db);
    // Backends report what they counted when they end.
    for (const instance of instances) await instance.stop();
    await sleep(1_000);
    const deadlocks = await db.first<{ n: number }>(sql`select deadlocks as n from pg_stat_database where datname = current_database()`);
    const each = (of: (tally: (typeof ours)[number]) => number) => showRatio(ratio(ours.map(of), twins.map(of)));
    return [
      ...rowsOf('PostgreSQL, two instances', together(ours), slots, stored),
      countRow('PostgreSQL: deadlocks', deadlocks!.n, 0),
      {
        what: 'PostgreSQL: CPU µs an attempt, both instances and the backends',
        figure: median(ours.map((t) => t.cpu)).toFixed(0),
        goal: '-',
        reached: null,
      },
      {
        what: 'over the same server with a unique key in place of the exclusion constraint: attempts a second, p99, CPU an attempt',
        figure: `${each((t) => t.perSecond)}, ${each((t) => percentile(t.ms, 0.99))}, ${each((t) => t.cpu)}`,
        goal: '-',
        reached: null,
      },
    ];
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()));
    await db.close();
    await place.drop();
  }
}

const NO_OVERLAP = sql`appointment_resources_no_overlap`;

async function useUniqueKey(db: Database): Promise<void> {
  await db.run(sql`alter table appointment_resources drop constraint if exists ${NO_OVERLAP}`);
  await db.run(sql`create unique index if not exists unique_start on appointment_resources (resource_id, unit, busy_from) where active`);
}

/** As the migration has it. */
async function useExclusion(db: Database): Promise<void> {
  await db.run(sql`drop index unique_start`);
  await db.run(sql`
    alter table appointment_resources add constraint ${NO_OVERLAP}
    exclude using gist (resource_id with =, unit with =, tstzrange(busy_from, busy_to) with &&) where (active)`);
}

async function onSqlite(slots: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'caramelo-bench-'));
  const path = join(folder, 'customers.db');
  try {
    const instance = await startInstance({ SQLITE_PATH: path });
    let tally: Tally;
    try {
      const clinic = await makeClinic(instance, slots + 1);
      await race([instance], clinic, clinic.take(1));
      tally = await race([instance], clinic, clinic.take(slots));
    } finally {
      await instance.stop();
    }
    const db = openSqlite({ path, onError: console.error });
    const stored = await readStored(db);
    await db.close();
    return rowsOf('SQLite, one instance', tally, slots, stored);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
