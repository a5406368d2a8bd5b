import type { Queryable } from '#platform/db/database';
import { type AppError, notFound } from '#platform/errors';
import { findMergedInto } from './merge.repository.ts';

/** NOT_FOUND for a person; one that was merged away says in `details.merged_into` under which id it lives on. */
export async function personNotFound(db: Queryable, id: string): Promise<AppError> {
  const into = await findMergedInto(db, id);
  return into === undefined ? notFound() : notFound({ message: 'This record was merged into another.', details: { merged_into: into } });
}
