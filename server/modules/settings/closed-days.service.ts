import { audit } from '#platform/audit';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation, type Tx } from '#platform/db/database';
import { alreadyExists, invalidField, notFound, versionMismatch } from '#platform/errors';
import { publish } from '#platform/events/events';
import { newId } from '#platform/ids';
import type { Writer } from '#platform/write';
import * as rows from './closed-days.repository.ts';
import { type CalendarEntry, type ClosedDayQuery, type CreateClosedDay, MAX_DAYS, type OwnDay, type UpdateClosedDay } from './closed-days.schemas.ts';
import { addDays, type Holiday, holidaysOf, localDay } from './opening.ts';
import type { Holidays } from './sections.ts';
import { type SettingsService, TOPICS } from './settings.service.ts';

export interface ClosedDaysService {
  /** Own days and holidays of a stretch of the calendar, in order. Throws VALIDATION_FAILED. */
  list(ctx: Ctx, query: ClosedDayQuery): Promise<CalendarEntry[]>;
  /** Throws ALREADY_EXISTS with `details.id` when the date has a row. */
  create(ctx: Ctx, input: CreateClosedDay): Promise<OwnDay>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, ALREADY_EXISTS. */
  update(ctx: Ctx, id: string, patch: UpdateClosedDay, ifMatch?: number): Promise<OwnDay>;
  /** Throws NOT_FOUND, VERSION_MISMATCH. */
  remove(ctx: Ctx, id: string, ifMatch?: number): Promise<void>;
}

export interface ClosedDaysParts {
  db: Database;
  writer: Writer;
  settings: SettingsService;
}

export function createClosedDaysService({ db, writer, settings }: ClosedDaysParts): ClosedDaysService {
  /** One change, told to everybody. */
  function write<T>(ctx: Ctx, id: string, action: string, changes: object | null, fn: (tx: Tx) => Promise<T>): Promise<T> {
    return writer.write(ctx, { topics: TOPICS }, async (tx) => {
      const result = await fn(tx);
      await audit(tx, ctx, { action, entity: 'closed_day', entity_id: id, changes });
      await publish(tx, 'settings.changed', { section: 'closed_days' });
      return result;
    });
  }

  /** Why a write matched no row. */
  async function refusal(tx: Tx, id: string): Promise<Error> {
    return (await rows.findOwnDay(tx, id)) ? versionMismatch() : notFound();
  }

  async function taken(at: Tx | Database, date: string | undefined, cause?: unknown): Promise<Error> {
    const id = date === undefined ? undefined : await rows.findIdByDate(at, date);
    return alreadyExists({ details: { id: id ?? null }, cause });
  }

  return {
    async list(ctx, query) {
      const { profile, holidays } = await settings.all(ctx);
      const from = query.from ?? localDay(profile.timezone, ctx.now);
      const to = query.to ?? addDays(from, 365);
      if (to < from) throw invalidField('to', 'must not be before from');
      if (to > addDays(from, MAX_DAYS)) throw invalidField('to', `must be at most ${MAX_DAYS} days after from`);
      const own = await rows.listOwnDays(ctx.tx ?? db, { from, to });
      const opened = new Set(own.filter((day) => day.hours !== null).map((day) => day.date));
      const entries = [...holidaysBetween(from, to).map((holiday) => holidayEntry(holiday, holidays, opened)), ...own.map(ownEntry)];
      return entries.sort((a, b) => (a.date < b.date ? -1 : Number(a.date > b.date)));
    },
    create: async (ctx, input) => {
      const id = newId();
      return write(ctx, id, 'created', input, async (tx) => {
        const row = await rows.insertOwnDay(tx, id, input);
        if (!row) throw await taken(tx, input.date);
        return row;
      });
    },
    update: (ctx, id, patch, ifMatch) =>
      write(ctx, id, 'updated', patch, async (tx) => {
        const row = await rows.updateOwnDay(tx, id, patch, ifMatch);
        if (!row) throw await refusal(tx, id);
        return row;
      }).catch(async (error: unknown) => {
        throw error instanceof DbViolation && error.rule === 'unique' ? await taken(db, patch.date, error) : error;
      }),
    async remove(ctx, id, ifMatch) {
      await write(ctx, id, 'deleted', null, async (tx) => {
        if (!(await rows.deleteOwnDay(tx, id, ifMatch))) throw await refusal(tx, id);
      });
    },
  };
}

function holidaysBetween(from: string, to: string): Holiday[] {
  const [first, last] = [Number(from.slice(0, 4)), Number(to.slice(0, 4))];
  return Array.from({ length: last - first + 1 }, (_, i) => holidaysOf(first + i))
    .flat()
    .filter(({ date }) => date >= from && date <= to);
}

function holidayEntry(holiday: Holiday, choice: Holidays, opened: ReadonlySet<string>): CalendarEntry {
  const chosen = (holiday.kind === 'national' && choice.closed_national) || (choice.optional as string[]).includes(holiday.id);
  const { date, name, kind } = holiday;
  return { id: null, date, name, kind, holiday_id: holiday.id, closed: chosen && !opened.has(date), hours: null, version: null };
}

function ownEntry({ id, date, name, hours, version }: OwnDay): CalendarEntry {
  return { id, date, name, kind: 'own', holiday_id: null, closed: hours === null, hours, version };
}
