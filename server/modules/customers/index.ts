// Interim: tutors only, until the whole module lands.
import type { Cache } from '#platform/cache/cache';
import type { Database } from '#platform/db/database';
import type { Writer } from '#platform/write';
import { tutorRoutes } from './tutors.routes.ts';
import { createTutorsService } from './tutors.service.ts';
export function createCustomers(parts: { db: Database; cache: Cache; writer: Writer; profileTtl: number }) {
  const tutors = createTutorsService(parts);
  return { tutors, routes: tutorRoutes(tutors) };
}
