/** All SQL about services, their prices and what can serve them. */
import type { Queryable } from '#platform/db/database';
import { inList, statementTime } from '#platform/db/dialect';
import { type Sql, sql } from '#platform/db/sql';
import type { Page } from '#platform/http/page';
import { newId } from '#platform/ids';
import { fold } from '#platform/text';
import { listRows, updateStatement } from './catalog.repository.ts';
import type { CreateService, PriceInput, Service, ServicePrice, ServiceQuery, ServiceResource, UpdateService } from './services.schemas.ts';

type ServiceRow = Omit<Service, 'prices' | 'resources'>;

const columns = sql`
  id, name, description, duration_minutes, price_cents, requires, species, booking, instructions,
  buffer_before_minutes, buffer_after_minutes, external_id, archived_at, version, created_at, updated_at`;

/** With prices and resources, in two statements. */
export async function findService(db: Queryable, id: string): Promise<Service | undefined> {
  const row = await db.first<ServiceRow>(sql`select ${columns} from services where id = ${id}`);
  return row && (await withParts(db, [row]))[0];
}

/** With prices and resources, in two statements however many rows there are. */
export async function listServices(db: Queryable, query: ServiceQuery): Promise<Page<Service>> {
  const page = await listRows<ServiceRow>(db, 'services', columns, query);
  return { ...page, rows: await withParts(db, page.rows) };
}

/** A row of `service_resources` (then `id` is there) or of `service_prices`. */
type Part = { service_id: string } & ((ServiceResource & Record<keyof ServicePrice, null>) | (ServicePrice & Record<keyof ServiceResource, null>));

async function withParts(db: Queryable, services: ServiceRow[]): Promise<Service[]> {
  const ids = inList(services.map((row) => row.id));
  const parts = await db.all<Part>(sql`
    select sr.service_id, sr.position, r.id, r.name, r.capacity, r.hours,
      null as species, null as size, null as coat, null as price_cents, null as duration_minutes
    from service_resources sr join resources r on r.id = sr.resource_id
    where sr.service_id in ${ids} and r.archived_at is null
    union all
    select p.service_id, p.position, null, null, null, null, p.species, p.size, p.coat, p.price_cents, p.duration_minutes
    from service_prices p where p.service_id in ${ids}
    order by position`);
  const whole = new Map<string, Service>(services.map((row) => [row.id, { ...row, prices: [], resources: [] }]));
  for (const part of parts) {
    const service = whole.get(part.service_id)!;
    if (part.id === null) {
      const { species, size, coat, price_cents, duration_minutes } = part;
      service.prices.push({ species, size, coat, price_cents, duration_minutes });
    } else {
      const { id, name, capacity, hours } = part;
      service.resources.push({ id, name, capacity, hours });
    }
  }
  return [...whole.values()];
}

/** False when the external id is taken. */
export async function insertService(tx: Queryable, id: string, input: CreateService): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into services (id, name, description, duration_minutes, price_cents, requires, species, booking, instructions,
      buffer_before_minutes, buffer_after_minutes, external_id, search_name, created_at, updated_at)
    values (${id}, ${input.name}, ${input.description}, ${input.duration_minutes}, ${input.price_cents}, ${input.requires}, ${input.species}, ${input.booking ?? 'auto'},
      ${input.instructions}, ${input.buffer_before_minutes ?? 0}, ${input.buffer_after_minutes ?? 0}, ${input.external_id}, ${fold(input.name)}, ${statementTime}, ${statementTime})
    on conflict do nothing`);
  return inserted > 0;
}

/** False when it is unknown or at another version. */
export async function updateService(tx: Queryable, id: string, patch: UpdateService, ifMatch: number | undefined): Promise<boolean> {
  const sets: (Sql | false)[] = [
    patch.description !== undefined && sql`description = ${patch.description}`,
    patch.duration_minutes !== undefined && sql`duration_minutes = ${patch.duration_minutes}`,
    patch.price_cents !== undefined && sql`price_cents = ${patch.price_cents}`,
    patch.requires !== undefined && sql`requires = ${patch.requires}`,
    patch.species !== undefined && sql`species = ${patch.species}`,
    patch.booking !== undefined && sql`booking = ${patch.booking}`,
    patch.instructions !== undefined && sql`instructions = ${patch.instructions}`,
    patch.buffer_before_minutes !== undefined && sql`buffer_before_minutes = ${patch.buffer_before_minutes}`,
    patch.buffer_after_minutes !== undefined && sql`buffer_after_minutes = ${patch.buffer_after_minutes}`,
  ];
  return (await tx.run(updateStatement('services', id, patch, sets, ifMatch, sql`id`))) > 0;
}

/** The price list as a whole. */
export async function replacePrices(tx: Queryable, id: string, prices: readonly PriceInput[]): Promise<void> {
  await tx.run(sql`delete from service_prices where service_id = ${id}`);
  if (prices.length === 0) return;
  const values = prices.map((p, position) => sql`(${sql.join([newId(), id, p.species, p.size, p.coat, p.price_cents, p.duration_minutes, position])})`);
  await tx.run(sql`insert into service_prices (id, service_id, species, size, coat, price_cents, duration_minutes, position) values ${sql.join(values)}`);
}

/** Which resources serve, in this order; each must exist. */
export async function replaceResources(tx: Queryable, id: string, resourceIds: readonly string[]): Promise<void> {
  await tx.run(sql`delete from service_resources where service_id = ${id}`);
  if (resourceIds.length === 0) return;
  const values = resourceIds.map((resourceId, position) => sql`(${sql.join([id, resourceId, position])})`);
  await tx.run(sql`insert into service_resources (service_id, resource_id, position) values ${sql.join(values)}`);
}
