/** One row of every resource, and for every writing route a body that is accepted. */
import type { TestApp } from '../support/app.ts';
import { at, HOURS, make, makePet, makeResource, makeService, makeTutor, openClinic, type Row } from '../support/clinic.ts';
import type { ListedRoute } from './route-list.ts';

export interface World {
  tutor: Row;
  other: Row;
  pet: Row;
  service: Row;
  product: Row;
  resource: Row;
  closedDay: Row;
  appointment: Row;
  user: Row;
  apiKey: Row;
}

export const UNKNOWN_ID = '0190a000-0000-7000-8000-00000000dead';
const PASSWORD = 'um-cavalo-e-uma-bateria-9';

export async function makeWorld(app: TestApp): Promise<World> {
  await openClinic(app);
  const tutor = await makeTutor(app);
  const pet = await makePet(app, tutor.id);
  const service = await makeService(app);
  await make(app, 'PATCH', '/api/settings/address', {
    street: 'Rua Augusta',
    number: '100',
    district: 'Centro',
    city: 'São Paulo',
    state: 'SP',
    postal_code: '01310-100',
  });
  await make(app, 'PATCH', '/api/settings/pix', { key: 'pix@clinica.test', key_type: 'email', holder_name: 'Clínica', city: 'São Paulo' });
  return {
    tutor,
    other: await makeTutor(app),
    pet,
    service,
    product: await make(app, 'POST', '/api/products', { name: 'Ração', price_cents: 1990 }),
    resource: await makeResource(app),
    closedDay: await make(app, 'POST', '/api/settings/closed-days', { date: '2027-03-30', name: 'Dedetização' }),
    appointment: await make(app, 'POST', '/api/appointments', {
      tutor_id: tutor.id,
      pet_id: pet.id,
      service_id: service.id,
      starts_at: at('2027-02-02', '09:00'),
    }),
    user: await make(app, 'POST', '/api/users', { email: 'balcao@clinica.test', name: 'Balcão', role: 'attendant', password: PASSWORD }),
    apiKey: await make(app, 'POST', '/api/api-keys', { name: 'painel', scopes: ['customers:read'] }),
  };
}

/** The path of a route with the ids of rows that exist; `id` replaces the last one. */
export function pathOf(route: Pick<ListedRoute, 'path'>, world: World, id?: string): string {
  const rows: [string, Row][] = [
    ['/api/tutors', world.tutor],
    ['/api/customers', world.tutor],
    ['/api/pets', world.pet],
    ['/api/services', world.service],
    ['/api/products', world.product],
    ['/api/resources', world.resource],
    ['/api/settings/closed-days', world.closedDay],
    ['/api/appointments', world.appointment],
    ['/api/users', world.user],
    ['/api/api-keys', world.apiKey],
  ];
  const row = rows.find(([prefix]) => route.path.startsWith(`${prefix}/`))?.[1];
  return route.path.replace('{person_id}', world.other.id).replace(/\{\w+\}/, id ?? row?.id ?? UNKNOWN_ID);
}

let serial = 0;
let visits = 0;

/** An hour nobody asked for yet: the working days of February 2027, ten to six. */
function nextTime(): string {
  const days = Array.from({ length: 28 }, (_, i) => `2027-02-${String(i + 1).padStart(2, '0')}`).filter(
    (day) => ![0, 1, 6].includes(new Date(`${day}T12:00:00Z`).getUTCDay()),
  );
  const i = visits++;
  return at(days[Math.floor(i / 8) % days.length]!, `${10 + (i % 8)}:00`);
}

/** A fresh accepted body for each writing route, by its name; PATCH bodies name fields of the row that may change. */
export function bodies(world: World): Record<string, () => Record<string, unknown>> {
  const n = () => String(++serial).padStart(7, '0');
  return {
    'POST /api/auth/login': () => ({ email: 'dona@clinica.test', password: 'senha-da-dona-123' }),
    'PATCH /api/auth/me': () => ({ name: 'Eu' }),
    'POST /api/api-keys': () => ({ name: 'chave', scopes: ['customers:read'] }),
    'POST /api/users': () => ({ email: `u${n()}@clinica.test`, name: 'Pessoa', role: 'viewer', password: PASSWORD }),
    'PATCH /api/users/{id}': () => ({ name: 'Outro nome' }),
    'POST /api/tutors': () => ({ name: 'Maria', phone: `+551197${n()}` }),
    'PATCH /api/tutors/{id}': () => ({ name: 'Maria', notes: 'nota' }),
    'POST /api/tutors/{id}/pets': () => ({ name: 'Rex', species: 'dog' }),
    'PATCH /api/pets/{id}': () => ({ name: 'Rex', breed: 'vira-lata' }),
    'POST /api/pets/{id}/guardians': () => ({ person_id: world.other.id, role: 'avó' }),
    'POST /api/customers': () => ({ name: 'João', phone: `+551196${n()}` }),
    'PATCH /api/customers/{id}': () => ({ name: 'João' }),
    'POST /api/customers/{id}/merge': () => ({ from_id: world.other.id }),
    'POST /api/customers/{id}/consents': () => ({ purpose: 'reminders', granted: true }),
    'POST /api/services': () => ({ name: 'Tosa', duration_minutes: 30, price_cents: 5000 }),
    'PATCH /api/services/{id}': () => ({ name: 'Tosa', price_cents: 5100 }),
    'POST /api/products': () => ({ name: 'Coleira', price_cents: 2990 }),
    'PATCH /api/products/{id}': () => ({ name: 'Coleira', price_cents: 2991 }),
    'POST /api/resources': () => ({ name: 'Sala', capacity: 1 }),
    'PATCH /api/resources/{id}': () => ({ name: 'Sala' }),
    'POST /api/settings/closed-days': () => ({ date: `20${30 + (++serial % 60)}-0${1 + (serial % 9)}-1${Math.floor(serial / 60) % 10}`, name: 'Feriado' }),
    'PATCH /api/settings/closed-days/{id}': () => ({ name: 'Folga' }),
    'PATCH /api/settings/profile': () => ({ name: 'Clínica' }),
    'PATCH /api/settings/address': () => ({ street: 'Rua A' }),
    'PATCH /api/settings/hours': () => ({ ...HOURS }),
    'PATCH /api/settings/holidays': () => ({ closed_national: true }),
    'PATCH /api/settings/emergency': () => ({ items: [{ name: 'Plantão', address: 'Rua B, 1', phone: '+551133334444', hours: 'always' }] }),
    'PATCH /api/settings/pix': () => ({ holder_name: 'Clínica', city: 'São Paulo' }),
    'PATCH /api/settings/policies': () => ({ lead_minutes: 0 }),
    'POST /api/appointments': () => ({ tutor_id: world.tutor.id, pet_id: world.pet.id, service_id: world.service.id, starts_at: nextTime() }),
    'PATCH /api/appointments/{id}': () => ({ notes: 'chega cedo' }),
  };
}
