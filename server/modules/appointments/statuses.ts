/** The life of a visit, as data. */

export const statuses = ['pending', 'scheduled', 'confirmed', 'arrived', 'in_service', 'ready', 'completed', 'cancelled', 'no_show'] as const;
export type Status = (typeof statuses)[number];

/**
 * What may follow. Small clinics do not tick every box, so steps may be left out, but none is taken back;
 * a visit once cancelled, missed or done stays so, and a new one is booked instead.
 */
export const following: Readonly<Record<Status, readonly Status[]>> = {
  pending: ['scheduled', 'cancelled'],
  scheduled: ['confirmed', 'arrived', 'in_service', 'ready', 'completed', 'cancelled', 'no_show'],
  confirmed: ['arrived', 'in_service', 'ready', 'completed', 'cancelled', 'no_show'],
  arrived: ['in_service', 'ready', 'completed', 'cancelled'],
  in_service: ['ready', 'completed', 'cancelled'],
  ready: ['completed'],
  completed: [],
  cancelled: [],
  no_show: [],
};

/** Its time can still be changed. */
export const movable: readonly Status[] = ['pending', 'scheduled', 'confirmed', 'arrived'];

/** It never began, so its row may go. */
export const removable: readonly Status[] = ['pending', 'scheduled', 'confirmed', 'cancelled', 'no_show'];

/** Still to come: what a person is told about, and what an erased person is taken out of. */
export const upcoming: readonly Status[] = ['pending', 'scheduled', 'confirmed', 'arrived'];

/** It gives back the place it held. */
export const freeing: readonly Status[] = ['cancelled', 'no_show'];
