/** A clinic to book in: hours as in the demo, and rows made over HTTP as any caller makes them. */
import type { TestApp } from './app.ts';

/** Monday 1 February 2027, 08:45 in São Paulo (UTC-3 all year round). */
export const MONDAY = '2027-02-01T11:45:00.000Z';

/** An instant by São Paulo's clock: `at('2027-02-03', '10:00')`. */
export function at(date: string, time: string): string {
  return new Date(`${date}T${time}:00-03:00`).toISOString();
}

const weekday = ['08:00-18:00'];
export const HOURS = { mon: weekday, tue: weekday, wed: weekday, thu: weekday, fri: weekday, sat: ['08:00-13:00'], sun: [] };

/** Opens the hours and sets the clock to `MONDAY`. */
export async function openClinic(app: TestApp): Promise<void> {
  app.clock.set(MONDAY);
  await make(app, 'PATCH', '/api/settings/hours', HOURS);
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests read answers as a client would: without types
export type Row = any;

let people = 0;

export function makeTutor(app: TestApp, more: object = {}): Promise<Row> {
  people++;
  return make(app, 'POST', '/api/tutors', { name: `Tutora ${people}`, phone: `+551198${String(people).padStart(7, '0')}`, ...more });
}

export function makePet(app: TestApp, tutorId: string, more: object = {}): Promise<Row> {
  return make(app, 'POST', `/api/tutors/${tutorId}/pets`, { name: 'Thor', species: 'dog', ...more });
}

/** One hour, R$ 60, with a resource of its own for one at a time. */
export function makeService(app: TestApp, more: object = {}): Promise<Row> {
  return make(app, 'POST', '/api/services', { name: 'Banho', duration_minutes: 60, price_cents: 6000, ...more });
}

export function makeResource(app: TestApp, more: object = {}): Promise<Row> {
  return make(app, 'POST', '/api/resources', { name: 'Banheira', capacity: 1, ...more });
}

/** A tutor with a pet, and what a booking for them takes. */
export async function makeVisitor(app: TestApp, pet: object = {}): Promise<{ tutor: Row; pet: Row; ids: { tutor_id: string; pet_id: string } }> {
  const tutor = await makeTutor(app);
  const made = await makePet(app, tutor.id, pet);
  return { tutor, pet: made, ids: { tutor_id: tutor.id, pet_id: made.id } };
}

export function book(app: TestApp, body: object): Promise<Row> {
  return make(app, 'POST', '/api/appointments', body);
}

/** The `data` of a good answer; anything else ends the test. */
export async function make(app: TestApp, method: string, path: string, body: object): Promise<Row> {
  const answer = await app.call(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body.data;
}
