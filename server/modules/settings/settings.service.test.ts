import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cache, openCache } from '#platform/cache/cache';
import { type Actor, type Ctx, systemCtx } from '#platform/ctx';
import { databaseIdentity } from '#platform/db/identity';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import { createWriter } from '#platform/write';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { createSettings, isOpenAt, openSpans, type SettingsModule } from './index.ts';

const EVERY_DAY = {
  mon: ['08:00-18:00'],
  tue: ['08:00-18:00'],
  wed: ['08:00-18:00'],
  thu: ['08:00-18:00'],
  fri: ['08:00-18:00'],
  sat: ['08:00-13:00'],
  sun: [],
};

describe.each(modes)('what other modules ask of settings on $engine + $cache', (mode) => {
  let app: TestApp;
  let cache: Cache;
  let clinic: SettingsModule;
  const ctx = systemCtx('2027-02-03T12:00:00.000Z', 'test');
  const by = (actor: Partial<Actor>): Ctx => ({ ...ctx, actor: { kind: 'user', id: null, scopes: new Set(['settings:write']), ...actor } });

  beforeAll(async () => {
    app = await startApp(mode);
    const redisUrl = mode.cache === 'redis' ? inject('redisUrl') : undefined;
    cache = await openCache({
      db: app.app.db,
      clock: app.clock,
      redisUrl,
      databaseId: await databaseIdentity(app.app.db),
      instanceId: newId(),
      instanceName: 'test',
    });
    clinic = createSettings({
      db: app.app.db,
      cache,
      writer: createWriter({ db: app.app.db, cache }),
      defaults: { timezone: 'America/Sao_Paulo', locale: 'pt-BR' },
      ttlSeconds: 60,
    });
  });
  afterAll(async () => {
    await cache.close();
    await app.close();
  });

  test('a clinic nobody has described is never open', async () => {
    const opening = await clinic.settings.opening(ctx);
    expect(opening).toEqual({
      timezone: 'America/Sao_Paulo',
      hours: expect.any(Object),
      holidays: { closed_national: true, optional: [] },
      closed_days: [],
      open_days: [],
    });
    expect(isOpenAt(opening, ctx.now)).toBe(false);
  });

  test('put replaces a section as a whole, through the same checks', async () => {
    const { settings } = clinic;
    await settings.put(ctx, 'profile', { name: 'Clínica A', timezone: 'America/Manaus', locale: 'pt-BR', about: 'x' });
    expect((await settings.put(ctx, 'profile', { name: 'Clínica B', timezone: 'America/Manaus', locale: 'pt-BR' })).value).toMatchObject({
      name: 'Clínica B',
      about: null,
    });
    await expect(settings.put(ctx, 'profile', { name: 'Clínica C' })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    await expect(settings.put(ctx, 'hours', { mon: ['12:00-08:00'] })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    expect((await settings.profile(ctx)).name).toBe('Clínica B');
  });

  test('opening is what the pure rules need: hours, holidays, closed days and exceptions', async () => {
    const { settings, closedDays } = clinic;
    await settings.put(ctx, 'hours', EVERY_DAY);
    await closedDays.create(ctx, { date: '2027-02-04', name: 'Reforma' });
    await closedDays.create(ctx, { date: '2027-04-21', name: 'Plantão', hours: ['09:00-12:00'] });
    const opening = await settings.opening(ctx);
    const days = ['2027-02-03', '2027-02-04', '2027-04-21', '2027-09-07', '2027-02-07'].map((date) =>
      openSpans(opening, date).map(({ starts_at, ends_at }) => `${starts_at.slice(11, 16)}-${ends_at.slice(11, 16)}`),
    );
    expect(days).toEqual([['12:00-22:00'], [], ['13:00-16:00'], [], []]);
  });

  test('inside a transaction they see its own changes, and nobody else does until it commits', async () => {
    const { settings } = clinic;
    const rollback = new Error('rollback');
    await settings.policies(ctx);
    const undone = app.db.tx(async (tx) => {
      const inside = { ...ctx, tx };
      await settings.change(inside, 'policies', { lead_minutes: 120 });
      await clinic.closedDays.create(inside, { date: '2027-05-10', name: 'Luto' });
      expect([(await settings.policies(inside)).lead_minutes, (await settings.opening(inside)).closed_days.length]).toEqual([120, 2]);
      throw rollback;
    });
    await expect(undone).rejects.toBe(rollback);
    expect([(await settings.policies(ctx)).lead_minutes, (await settings.opening(ctx)).closed_days.length]).toEqual([0, 1]);
    await app.db.tx((tx) => settings.change({ ...ctx, tx }, 'policies', { lead_minutes: 45 }));
    expect(JSON.parse((await settings.read(ctx)).body.toString()).policies.value.lead_minutes).toBe(45);
  });

  test('decisions cost one statement a section, two for the whole opening, and never ask the cache', async () => {
    const { settings } = clinic;
    const costs = async (ask: () => Promise<unknown>) => {
      app.statements();
      await ask();
      return app.statements().filter(({ text }) => /\b(settings|closed_days)\b/.test(text)).length;
    };
    expect([await costs(() => settings.policies(ctx)), await costs(() => settings.all(ctx)), await costs(() => settings.opening(ctx))]).toEqual([1, 1, 2]);
    expect([await costs(() => settings.policies(ctx)), await costs(() => settings.opening(ctx))]).toEqual([1, 2]);
  });

  test('only an owner, an API key or the system changes the PIX key', async () => {
    const { settings } = clinic;
    const key = { key: '529.982.247-25', key_type: 'cpf', holder_name: 'Dona da Clínica', city: 'Manaus' } as const;
    for (const actor of [{ role: 'attendant' }, { role: 'viewer' }, {}, { kind: 'person' }, { kind: 'anonymous' }] as Partial<Actor>[]) {
      await expect(settings.change(by(actor), 'pix', key)).rejects.toMatchObject({ code: 'FORBIDDEN', status: 403 });
      await expect(settings.reset(by(actor), 'pix')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    expect((await settings.all(ctx)).pix).toBeNull();
    for (const actor of [{ role: 'owner' }, { kind: 'api_key' }, { kind: 'system' }] as Partial<Actor>[])
      expect((await settings.change(by(actor), 'pix', key)).value?.key).toBe('52998224725');
    expect((await settings.change(by({ role: 'attendant' }), 'profile', { about: 'Atendente pode' })).value.about).toBe('Atendente pode');
  });

  test('what a release before did not know is filled in', async () => {
    await app.db.run(sql`update settings set value = ${{ lead_minutes: 15 }} where section = 'policies'`);
    expect(await clinic.settings.policies(ctx)).toEqual({ lead_minutes: 15, horizon_days: 400, grid_minutes: 30 });
  });
});
