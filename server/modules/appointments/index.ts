/** Appointments: free times, bookings, and what they occupy. */
import type { Route } from '#platform/http/route';
import type { PersonFace } from '#modules/customers/index';
import { createAppointmentsFace } from './appointments.person.ts';
import { appointmentRoutes } from './appointments.routes.ts';
import { type AppointmentsParts, type AppointmentsService, createAppointmentsService } from './appointments.service.ts';
import { occupiedUnits } from './occupancy.repository.ts';

export { occupiedUnits };
export type { AppointmentsParts, AppointmentsService };

export interface AppointmentsModule {
  appointments: AppointmentsService;
  routes: Route[];
  person: PersonFace;
  /** For the catalogue, which must not take away units that visits to come hold. */
  occupiedUnits: typeof occupiedUnits;
}

export function createAppointments(parts: AppointmentsParts): AppointmentsModule {
  const appointments = createAppointmentsService(parts);
  return { appointments, routes: appointmentRoutes(appointments), person: createAppointmentsFace(parts), occupiedUnits };
}
