/** The catalogue's front door: what the clinic does and sells, and what serving it occupies. */
import type { Cache } from '#platform/cache/cache';
import type { Database } from '#platform/db/database';
import type { Route } from '#platform/http/route';
import type { Writer } from '#platform/write';
import { createListCache } from './catalog.cache.ts';
import { productRoutes } from './products.routes.ts';
import { createProductsService, type ProductsService } from './products.service.ts';
import { resourceRoutes } from './resources.routes.ts';
import { createResourcesService, type Occupied, type ResourcesService } from './resources.service.ts';
import { serviceRoutes } from './services.routes.ts';
import { createServicesService, type ServicesService } from './services.service.ts';

export { priceOf } from './pricing.ts';
export type { Service } from './services.schemas.ts';
export type { Occupied, ProductsService, ResourcesService, ServicesService };

export interface CatalogParts {
  db: Database;
  cache: Cache;
  writer: Writer;
  /** Seconds a list or a service stays cached. */
  listTtl: number;
  /** What bookings hold of a resource, from whoever keeps them; without it nothing does. */
  occupied?: Occupied;
}

export interface Catalog {
  services: ServicesService;
  products: ProductsService;
  resources: ResourcesService;
  routes: Route[];
}

export function createCatalog({ db, cache, writer, listTtl, occupied = async () => 0 }: CatalogParts): Catalog {
  const readList = createListCache({ cache, listTtl });
  const services = createServicesService({ db, cache, writer, readList, listTtl });
  const products = createProductsService({ db, writer, readList });
  const resources = createResourcesService({ db, writer, readList, occupied });
  return { services, products, resources, routes: [...serviceRoutes(services), ...productRoutes(products), ...resourceRoutes(resources)] };
}
