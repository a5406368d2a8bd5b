/** How any row of the catalogue changes: one transaction with its audit entry and event, refused by the same rules. */
import { audit } from '#platform/audit';
import type { CachedValue } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import { type Database, DbViolation, type Tx } from '#platform/db/database';
import { alreadyExists, inUse, notFound, versionMismatch } from '#platform/errors';
import { publish } from '#platform/events/events';
import type { Writer } from '#platform/write';
import { CATALOG } from './catalog.cache.ts';
import { type CatalogTable, deleteRow, findIdByExternalId, rowExists } from './catalog.repository.ts';

interface Given {
  external_id?: string | null | undefined;
}

export interface Changes<Row> {
  /** `insert` answers nothing when the external id is taken. Throws ALREADY_EXISTS. */
  create(ctx: Ctx, id: string, input: Given, insert: (tx: Tx) => Promise<Row | undefined>): Promise<Row>;
  /** `change` answers nothing when the row is unknown or at another version. Throws NOT_FOUND, VERSION_MISMATCH, ALREADY_EXISTS. */
  update(ctx: Ctx, id: string, patch: Given, change: (tx: Tx) => Promise<Row | undefined>): Promise<Row>;
  /** Throws NOT_FOUND, VERSION_MISMATCH, IN_USE with the way to archive instead. */
  remove(ctx: Ctx, id: string, ifMatch: number | undefined): Promise<void>;
}

export interface ChangesParts<Row> {
  db: Database;
  writer: Writer;
  table: CatalogTable;
  /** Entries of the row that are worth storing right away. */
  prefill?: (row: Row) => CachedValue[];
}

export function createChanges<Row>({ db, writer, table, prefill }: ChangesParts<Row>): Changes<Row> {
  const change = { topics: [CATALOG] };
  const noun = table.slice(0, -1);

  async function refusal(tx: Tx, id: string): Promise<Error> {
    return (await rowExists(tx, table, id)) ? versionMismatch() : notFound();
  }

  return {
    create: (ctx, id, input, insert) =>
      writer.write(ctx, { ...change, ...(prefill && { prefill }) }, async (tx) => {
        const row = await insert(tx);
        if (!row) throw alreadyExists({ details: { id: (input.external_id && (await findIdByExternalId(tx, table, input.external_id))) || null } });
        await recordChange(tx, ctx, noun, id, 'created', input);
        return row;
      }),
    async update(ctx, id, patch, apply) {
      try {
        return await writer.write(ctx, { ...change, ...(prefill && { prefill }) }, async (tx) => {
          const row = await apply(tx);
          if (!row) throw await refusal(tx, id);
          await recordChange(tx, ctx, noun, id, 'updated', patch);
          return row;
        });
      } catch (error) {
        if (!(error instanceof DbViolation) || error.rule !== 'unique' || !patch.external_id) throw error;
        // Inside a caller's transaction nothing more can be asked: the violation has ended it.
        const other = ctx.tx ? undefined : await findIdByExternalId(db, table, patch.external_id);
        throw alreadyExists({ details: { id: other ?? null }, cause: error });
      }
    },
    async remove(ctx, id, ifMatch) {
      try {
        await writer.write(ctx, change, async (tx) => {
          if (!(await deleteRow(tx, table, id, ifMatch))) throw await refusal(tx, id);
          await recordChange(tx, ctx, noun, id, 'deleted');
        });
      } catch (error) {
        if (!(error instanceof DbViolation) || error.rule !== 'foreign_key') throw error;
        throw inUse({ details: { archive: `PATCH /api/${table}/${id} {"archived": true}` }, cause: error });
      }
    },
  };
}

/** The audit entry and the news of one change, in its transaction. */
export async function recordChange(tx: Tx, ctx: Ctx, noun: string, id: string, action: 'created' | 'updated' | 'deleted', changes?: object): Promise<void> {
  await audit(tx, ctx, { action, entity: noun, entity_id: id, ...(changes && { changes }) });
  await publish(tx, 'catalog.changed', { [`${noun}_id`]: id });
}
