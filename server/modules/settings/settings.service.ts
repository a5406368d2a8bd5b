import type { z } from 'zod';
import { audit } from '#platform/audit';
import type { Cache, CachedBody } from '#platform/cache/cache';
import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { forbidden, validationFailed, versionMismatch } from '#platform/errors';
import { publish } from '#platform/events/events';
import { fieldFaults } from '#platform/http/schema';
import type { Writer } from '#platform/write';
import { listOwnDays } from './closed-days.repository.ts';
import type { Opening } from './opening.ts';
import * as rows from './settings.repository.ts';
import { type Defaults, type Policies, type Profile, type SectionKey, sectionKeys, sectionOf, type Settings } from './sections.ts';

/** A section as callers see it. */
export interface SectionState<K extends SectionKey = SectionKey> {
  section: K;
  /** Null: never set (only sections without a sensible default). */
  value: Settings[K];
  /** 0 until the first change. */
  version: number;
  updated_at: string | null;
}

/** The fields to set; null clears an optional one. */
export type SectionPatch<K extends SectionKey> = Partial<NonNullable<Settings[K]>>;

/** What other modules decide by comes from the database, in the caller's transaction when there is one; never from the cache. */
export interface SettingsService {
  /** Every section by its key, as ready JSON. */
  read(ctx: Ctx): Promise<CachedBody>;
  get<K extends SectionKey>(ctx: Ctx, key: K): Promise<SectionState<K>>;
  all(ctx: Ctx): Promise<Settings>;
  profile(ctx: Ctx): Promise<Profile>;
  policies(ctx: Ctx): Promise<Policies>;
  /** Hours, holidays and closed days, as the pure functions of `opening.ts` take them. */
  opening(ctx: Ctx): Promise<Opening>;
  /** What a booking goes by: the same, and the policies, in the same two statements. */
  booking(ctx: Ctx): Promise<{ opening: Opening; policies: Policies }>;
  /** Given fields replace, the others stay. Throws VALIDATION_FAILED, VERSION_MISMATCH, FORBIDDEN. */
  change<K extends SectionKey>(ctx: Ctx, key: K, patch: SectionPatch<K>, ifMatch?: number): Promise<SectionState<K>>;
  /** Replaces the whole section; fields left out are unset. Throws as `change`. */
  put<K extends SectionKey>(ctx: Ctx, key: K, value: SectionPatch<K>): Promise<SectionState<K>>;
  /** Back to the default. Throws VERSION_MISMATCH, FORBIDDEN. */
  reset(ctx: Ctx, key: SectionKey, ifMatch?: number): Promise<void>;
}

export interface SettingsParts {
  db: Database;
  cache: Cache;
  writer: Writer;
  /** From the environment, until the settings say otherwise. */
  defaults: Defaults;
  /** Seconds the list of all sections stays cached. */
  ttlSeconds: number;
}

/** What a change of any setting touches. */
export const TOPICS = ['settings'] as const;

export function createSettingsService({ db, cache, writer, defaults, ttlSeconds }: SettingsParts): SettingsService {
  function valueOf<K extends SectionKey>(key: K, stored: object | null): Settings[K] {
    const { blank, initial } = sectionOf(key);
    return stored === null ? initial(defaults) : ({ ...blank, ...stored } as Settings[K]);
  }

  function stateOf<K extends SectionKey>(key: K, row: rows.SectionRow | undefined): SectionState<K> {
    return { section: key, value: valueOf(key, row?.value ?? null), version: row?.version ?? 0, updated_at: row?.updated_at ?? null };
  }

  /** The sections named, in one statement. */
  async function load<K extends SectionKey>(ctx: Pick<Ctx, 'tx'>, keys: readonly K[]): Promise<{ [S in K]: SectionState<S> }> {
    const found = await rows.listSections(ctx.tx ?? db, keys);
    const states = keys.map((key) => [
      key,
      stateOf(
        key,
        found.find((row) => row.section === key),
      ),
    ]);
    return Object.fromEntries(states) as { [S in K]: SectionState<S> };
  }

  async function store<K extends SectionKey>(
    ctx: Ctx,
    key: K,
    action: string,
    given: object | null,
    next: (now: Settings[K]) => object | null,
    ifMatch?: number,
  ): Promise<SectionState<K>> {
    refuseStranger(ctx, key);
    return writer.write(ctx, { topics: TOPICS }, async (tx) => {
      const row = await rows.lockSection(tx, key);
      if (ifMatch !== undefined && ifMatch !== row.version) throw versionMismatch();
      const stored = await rows.storeSection(tx, key, next(valueOf(key, row.value)));
      await audit(tx, ctx, { action, entity: 'settings', entity_id: key, changes: given });
      await publish(tx, 'settings.changed', { section: key });
      return stateOf(key, stored);
    });
  }

  const value = async <K extends SectionKey>(ctx: Ctx, key: K) => (await load(ctx, [key]))[key].value;

  async function booking(ctx: Ctx): Promise<{ opening: Opening; policies: Policies }> {
    const { profile, hours, holidays, policies } = await load(ctx, ['profile', 'hours', 'holidays', 'policies']);
    const days = await listOwnDays(ctx.tx ?? db, {});
    const opening = {
      timezone: profile.value.timezone,
      hours: hours.value,
      holidays: holidays.value,
      closed_days: days.flatMap(({ date, name, hours: open }) => (open === null ? [{ date, name }] : [])),
      open_days: days.flatMap(({ date, hours: open }) => (open === null ? [] : [{ date, hours: open }])),
    };
    return { opening, policies: policies.value };
  }

  return {
    async read() {
      // The zone is part of the key because the environment's shows through where none is set.
      const read = await cache.read({ key: `settings:${defaults.timezone}`, topics: TOPICS, ttlSeconds, load: () => load({}, sectionKeys) });
      return read!;
    },
    get: async (ctx, key) => (await load(ctx, [key]))[key],
    async all(ctx) {
      const states = Object.values(await load(ctx, sectionKeys));
      return Object.fromEntries(states.map((state) => [state.section, state.value])) as unknown as Settings;
    },
    profile: (ctx) => value(ctx, 'profile'),
    policies: (ctx) => value(ctx, 'policies'),
    opening: async (ctx) => (await booking(ctx)).opening,
    booking,
    change: (ctx, key, patch, ifMatch) => store(ctx, key, 'updated', patch, (now) => completed(key, now ?? {}, patch), ifMatch),
    put: (ctx, key, given) => store(ctx, key, 'replaced', given, () => completed(key, {}, given)),
    async reset(ctx, key, ifMatch) {
      await store(ctx, key, 'reset', null, () => null, ifMatch);
    },
  };
}

/** The whole value after a change, checked as one. Throws VALIDATION_FAILED. */
function completed<K extends SectionKey>(key: K, now: object, given: SectionPatch<K>): object {
  const { schema, blank, finish } = sectionOf(key);
  const parsed = (schema as z.ZodType<NonNullable<Settings[K]>>).safeParse({ ...blank, ...now, ...given });
  if (!parsed.success) throw validationFailed({ details: { fields: fieldFaults(parsed.error) } });
  return finish ? finish(parsed.data, given) : parsed.data;
}

function refuseStranger({ actor }: Ctx, key: SectionKey): void {
  const allowed = sectionOf(key).change === 'writer' || actor.role === 'owner' || actor.kind === 'api_key' || actor.kind === 'system';
  if (!allowed) throw forbidden({ message: 'Only an owner may change this.' });
}
