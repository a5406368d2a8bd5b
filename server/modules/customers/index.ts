/** Customers: people, the tutors they are, their pets, and what they agreed to. */
import type { Cache } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import type { Route } from '#platform/http/route';
import type { JobHandler, Jobs } from '#platform/jobs/jobs';
import type { Writer } from '#platform/write';
import { createConsentsService } from './consents.service.ts';
import { customerJobs } from './customers.jobs.ts';
import { customersFace } from './customers.person.ts';
import { createEraseService } from './erase.service.ts';
import { createGuardiansService } from './guardians.service.ts';
import { createMergeService } from './merge.service.ts';
import { type Customers, peopleRoutes } from './people.routes.ts';
import { createPeopleService } from './people.service.ts';
import type { PersonFace } from './person-face.ts';
import { guardianRoutes, petRoutes } from './pets.routes.ts';
import { createPetsService, type PetsService } from './pets.service.ts';
import { tutorRoutes } from './tutors.routes.ts';
import { createTutorsService, type TutorsService } from './tutors.service.ts';
import { createViewers } from './viewers.ts';

export type { Customers } from './people.routes.ts';
export type { PersonFace } from './person-face.ts';
export { NAMES } from './viewers.ts';
export type { Pet } from './pets.schemas.ts';
export type { PetsService } from './pets.service.ts';
export type { TutorsService } from './tutors.service.ts';

export interface CustomersParts {
  db: Database;
  cache: Cache;
  writer: Writer;
  jobs: Jobs;
  /** Seconds a profile or a customer's view stays cached. */
  profileTtl: number;
  /** The clinic's day at the caller's moment, `YYYY-MM-DD`: no pet is born after it. */
  today: (ctx: Ctx) => Promise<string>;
  /** The faces of the modules that hold something about people, without this one's; asked at each use. */
  faces: () => readonly PersonFace[];
}

export interface CustomersModule {
  tutors: TutorsService;
  pets: PetsService;
  people: Customers;
  routes: Route[];
  jobs: JobHandler[];
  person: PersonFace;
}

export function createCustomers(parts: CustomersParts): CustomersModule {
  const own = customersFace;
  const { changePet, changePeople } = createViewers(parts);
  const tutors = createTutorsService(parts);
  const pets = createPetsService({ ...parts, changePet });
  const guardians = createGuardiansService({ ...parts, changePet });
  const view = createPeopleService({ ...parts, tutors, own });
  const people: Customers = {
    ...view,
    ...createConsentsService(parts),
    ...createMergeService({ ...parts, people: view, own, changePeople }),
    ...createEraseService({ ...parts, own, changePeople }),
  };
  return {
    tutors,
    pets,
    people,
    routes: [...tutorRoutes(tutors), ...petRoutes(pets), ...guardianRoutes(guardians), ...peopleRoutes(people)],
    jobs: customerJobs(people),
    person: own,
  };
}
