/** SQL that reads what a booking is decided by: who comes, what for, and what could serve. */
import type { Instant } from '#platform/clock';
import type { Queryable } from '#platform/db/database';
import { forShare, inList } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import type { Service } from '#modules/catalog/index';
import type { Pet } from '#modules/customers/index';

/** Of a service, what decides about a visit; its resources in the order they are tried. */
export type BookableService = Pick<
  Service,
  'id' | 'duration_minutes' | 'price_cents' | 'species' | 'buffer_before_minutes' | 'buffer_after_minutes' | 'archived_at' | 'prices' | 'resources'
>;

export type ServiceResource = Service['resources'][number];

interface PartRow {
  resource_id: string | null;
  name: string;
  capacity: number;
  hours: ServiceResource['hours'];
  /** Null: no price row. */
  of_price: number | null;
  of_minutes: number | null;
  of_species: Service['prices'][number]['species'];
  of_size: Service['prices'][number]['size'];
  of_coat: string | null;
}

/** With prices and the resources in use; one statement. */
export async function findBookableService(db: Queryable, id: string): Promise<BookableService | undefined> {
  const rows = await db.all<Omit<BookableService, 'prices' | 'resources'> & PartRow>(sql`
    select s.id, s.duration_minutes, s.price_cents, s.species, s.buffer_before_minutes, s.buffer_after_minutes, s.archived_at,
      r.id as resource_id, r.name, r.capacity, r.hours, part.of_price, part.of_minutes, part.of_species, part.of_size, part.of_coat
    from services s
    left join (
      select position, null as resource_id, price_cents as of_price, duration_minutes as of_minutes, species as of_species, size as of_size, coat as of_coat
      from service_prices where service_id = ${id}
      union all
      select position, resource_id, null, null, null, null, null from service_resources where service_id = ${id}
    ) part on 1 = 1
    left join resources r on r.id = part.resource_id and r.archived_at is null
    where s.id = ${id} order by part.position`);
  const [first] = rows;
  if (!first) return undefined;
  const { duration_minutes, price_cents, species, buffer_before_minutes, buffer_after_minutes, archived_at } = first;
  const service: BookableService = {
    id,
    duration_minutes,
    price_cents,
    species,
    buffer_before_minutes,
    buffer_after_minutes,
    archived_at,
    prices: [],
    resources: [],
  };
  for (const row of rows) {
    if (row.resource_id !== null) service.resources.push({ id: row.resource_id, name: row.name, capacity: row.capacity, hours: row.hours });
    if (row.of_price === null) continue;
    service.prices.push({ species: row.of_species, size: row.of_size, coat: row.of_coat, price_cents: row.of_price, duration_minutes: row.of_minutes });
  }
  return service;
}

/** Resources in use or not. */
export function listPlaces(db: Queryable, ids: readonly string[]): Promise<ServiceResource[]> {
  return db.all<ServiceResource>(sql`select id, name, capacity, hours from resources where id in ${inList(ids)} order by id`);
}

/** Of a pet, what decides about a visit. */
export type VisitingPet = Pick<Pet, 'id' | 'species' | 'size' | 'coat'>;

/** Whether tutor and pet can still come. */
export interface VisitorState {
  /** Erased is archived, too. */
  tutor_archived_at: Instant | null;
  pet_archived_at: Instant | null;
  deceased_at: Instant | null;
}

/** Null where nobody is known under that id (an erased tutor is not); `person_id`: one of those the pet belongs to. */
export interface VisitorRow extends VisitorState {
  tutor_id: string | null;
  pet_id: string | null;
  species: Pet['species'];
  size: Pet['size'];
  coat: Pet['coat'];
  person_id: string | null;
}

/** A row for each person the pet belongs to, at least one row. One statement. */
export function readVisitor(db: Queryable, tutorId: string, petId: string): Promise<VisitorRow[]> {
  return db.all<VisitorRow>(sql`
    select t.id as tutor_id, t.archived_at as tutor_archived_at,
      p.id as pet_id, p.species, p.size, p.coat, p.deceased_at, p.archived_at as pet_archived_at, o.person_id
    from (select 1 as one) only_once
    left join tutors t on t.id = ${tutorId} and t.erased_at is null
    left join pets p on p.id = ${petId}
    left join (
      select tutor_id as person_id from pets where id = ${petId}
      union select person_id from pet_guardians where pet_id = ${petId}
    ) o on 1 = 1`);
}

export interface VisitIds {
  tutor_id: string;
  pet_id: string;
  service_id: string;
}

export interface HeldFacts extends VisitorState {
  erased_at: Instant | null;
  service_archived_at: Instant | null;
}

/** The three a visit is about, people first: everybody locks in this order. */
export const partiesOf = ({ tutor_id, pet_id, service_id }: VisitIds): Sql =>
  sql`from tutors t, pets p, services s where t.id = ${tutor_id} and p.id = ${pet_id} and s.id = ${service_id}`;

/**
 * How tutor, pet and service are, and they stay so until the transaction ends: nobody becomes a guardian of the pet either,
 * and nobody stops being one. Undefined when one of them is gone.
 */
export function holdParties(tx: Queryable, ids: VisitIds): Promise<HeldFacts | undefined> {
  return tx.first<HeldFacts>(sql`
    select t.archived_at as tutor_archived_at, t.erased_at, p.deceased_at, p.archived_at as pet_archived_at, s.archived_at as service_archived_at
    ${partiesOf(ids)} ${forShare}`);
}
