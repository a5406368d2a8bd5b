import { type AppError, defineError, validationFailed } from '#platform/errors';
import type { StartFault } from './availability.ts';

/** Someone has that time, or was faster; `details.starts_at` tells which. */
export const slotTaken = defineError({ code: 'SLOT_TAKEN', status: 409, message: 'That time is taken; ask for free times again.' });

/** The service may not be booked like this; `details.reason` is `species` or `no_resource`. */
export const serviceRule = defineError({ code: 'SERVICE_RULE', status: 422, message: 'The rules of this service do not allow it.' });

/** The hold ran out, or was already turned into something else. */
export const holdExpired = defineError({ code: 'HOLD_EXPIRED', status: 409, message: 'The hold is no longer open; book the time anew.' });

const SAID: Record<Exclude<StartFault, 'taken'>, string> = {
  past: 'lies in the past',
  lead_time: 'is earlier than the clinic takes bookings',
  horizon: 'is later than the clinic takes bookings',
  closed: 'is on a day on which the clinic is closed',
  outside_hours: 'is outside the hours in which this can be done',
};

/** Why a start is refused, other than that it is taken: `details.reason`, and for a closed day its `closed: {kind, name}`. */
export function startRefused(reason: Exclude<StartFault, 'taken'>, more: object = {}): AppError {
  return validationFailed({ details: { fields: [{ field: 'starts_at', message: SAID[reason] }], reason, ...more } });
}
