/** Wire = row: days on which the clinic's usual hours do not hold. */
import { z } from 'zod';
import { atLeastOne, day, id, instant, line } from '#platform/http/schema';
import { spans } from './settings.schemas.ts';

const exceptional = spans
  .min(1, 'must have a span, or be null for closed')
  .nullable()
  .meta({ description: 'Exceptional hours of that day; null: closed.', example: ['09:00-12:00'] });

export const createClosedDay = z.strictObject({ date: day, name: line(120), hours: exceptional.optional() });
export type CreateClosedDay = z.output<typeof createClosedDay>;

export const updateClosedDay = atLeastOne(z.strictObject({ date: day, name: line(120), hours: exceptional }).partial());
export type UpdateClosedDay = z.output<typeof updateClosedDay>;

export const closedDay = z.object({
  id,
  date: day,
  name: z.string(),
  hours: exceptional,
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
});
export type OwnDay = z.output<typeof closedDay>;

/** A day of the calendar: one of the clinic's own, or a holiday. */
export const calendarEntry = z.object({
  id: id.nullable().meta({ description: 'Of an own day; null for a holiday.' }),
  date: day,
  name: z.string(),
  kind: z.enum(['national', 'optional', 'own']),
  holiday_id: z.string().nullable().meta({ description: 'As /api/settings/holidays names it.' }),
  closed: z.boolean().meta({ description: 'Whether it closes the clinic; an exceptional opening on the day outdoes a holiday.' }),
  hours: exceptional,
  version: z.number().int().nullable(),
});
export type CalendarEntry = z.output<typeof calendarEntry>;

export const closedDayId = z.object({ id });

export const MAX_DAYS = 1_100;

export const closedDayQuery = z.strictObject({
  from: day.optional().meta({ description: 'First day; today when left out.' }),
  to: day.optional().meta({ description: `Last day, inclusive; a year after the first when left out, ${MAX_DAYS} days after it at most.` }),
});
export type ClosedDayQuery = z.output<typeof closedDayQuery>;
