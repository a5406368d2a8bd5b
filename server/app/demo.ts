/** A small clinic to look at, put into an empty database once, through the same services as everything else. */
import type { Catalog } from '#modules/catalog/index';
import type { TutorsService } from '#modules/customers/index';
import type { SectionKey, SectionPatch, SettingsService } from '#modules/settings/index';
import type { Ctx } from '#platform/ctx';
import type { Database } from '#platform/db/database';
import { lockDatabase } from '#platform/db/identity';
import clinic from './demo-clinic.json' with { type: 'json' };

export interface DemoParts {
  db: Database;
  settings: SettingsService;
  catalog: Pick<Catalog, 'services' | 'products'>;
  tutors: TutorsService;
}

/** True when the demo clinic was made; false when there was something already. One transaction: half a clinic never stays. */
export async function seedDemo(given: Ctx, { db, settings, catalog, tutors }: DemoParts): Promise<boolean> {
  return db.tx(async (tx) => {
    const ctx: Ctx = { ...given, tx };
    await lockDatabase(tx);
    const one = { limit: 1 };
    const lists = [() => catalog.services.list(ctx, one), () => catalog.products.list(ctx, one), () => tutors.list(ctx, one)];
    for (const list of lists) if ((await list()).rows.length > 0) return false;
    if ((await settings.get(ctx, 'profile')).version > 0) return false;
    const { services, products, emergency, ...sections } = clinic;
    for (const [section, value] of Object.entries(sections)) await settings.put(ctx, section as SectionKey, value as SectionPatch<SectionKey>);
    await settings.put(ctx, 'emergency', { items: emergency } as SectionPatch<'emergency'>);
    // Lists show the newest first: backwards, they show the catalogue as it is written there.
    for (const service of services.toReversed()) await catalog.services.create(ctx, { ...service, booking: 'auto' });
    for (const product of products.toReversed()) await catalog.products.create(ctx, { ...product, sale: 'free' });
    return true;
  });
}
