import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { holidaysOf } from './holidays.ts';
import { sectionKeys } from './sections.ts';

const ADDRESS = { street: 'Rua das Acácias', number: '123', district: 'Centro', city: 'São Paulo', state: 'sp', postal_code: '01310100' };
const PIX = { key: '(11) 98765-4321', key_type: 'phone', holder_name: 'Clínica Caramelo Ltda', city: 'São Paulo' };
const PLACE = { name: 'Hospital 24h', address: 'Av. Brasil, 1', phone: '(11) 3456-7890' };

describe.each(modes)('settings on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode, { env: { TIMEZONE: 'America/Manaus' } });
  });
  afterAll(() => app.close());

  const get = async (section: string) => (await app.call('GET', `/api/settings/${section}`)).body.data;
  const patch = (section: string, body: unknown, headers?: Record<string, string>) => app.call('PATCH', `/api/settings/${section}`, body, headers);
  async function countEvents(section: string): Promise<number> {
    const rows = await app.db.all<{ subject: { section: string } }>(sql`select subject from events where type = 'settings.changed'`);
    return rows.filter(({ subject }) => subject.section === section).length;
  }

  test('before anything is set, every section has its default at version 0; the clinic has no hours, address or key', async () => {
    const { status, body } = await app.call('GET', '/api/settings');
    expect(status).toBe(200);
    expect(Object.keys(body.data)).toEqual(sectionKeys);
    for (const key of sectionKeys) expect(body.data[key]).toMatchObject({ section: key, version: 0, updated_at: null });
    expect(body.data.profile.value).toMatchObject({ timezone: 'America/Manaus', locale: 'pt-BR', phone: null });
    expect(Object.values(body.data.hours.value).flat()).toEqual([]);
    expect([body.data.address.value, body.data.pix.value, body.data.emergency.value]).toEqual([null, null, { items: [] }]);
    expect(body.data.holidays.value).toEqual({ closed_national: true, optional: [] });
    expect(body.data.policies.value).toEqual({ lead_minutes: 0, horizon_days: 400, grid_minutes: 30 });
  });

  test('given fields replace, null clears, the others stay', async () => {
    const first = await patch('profile', {
      name: '  Clínica\u200B Caramelo ',
      phone: '11 3456-7890',
      email: 'OI@caramelo.vet',
      site: 'https://caramelo.vet',
      tax_id: '11.222.333/0001-81',
      about: 'Oi!\n\nAbra a porta.',
    });
    expect(first.status).toBe(200);
    expect(first.body.data).toMatchObject({
      section: 'profile',
      version: 1,
      value: {
        name: 'Clínica Caramelo',
        phone: '+551134567890',
        email: 'oi@caramelo.vet',
        site: 'https://caramelo.vet/',
        tax_id: '11222333000181',
        timezone: 'America/Manaus',
        about: 'Oi!\n\nAbra a porta.',
      },
    });
    const second = await patch('profile', { phone: null, timezone: 'America/Sao_Paulo' });
    expect(second.body.data).toEqual({
      ...first.body.data,
      version: 2,
      updated_at: expect.any(String),
      value: { ...first.body.data.value, phone: null, timezone: 'America/Sao_Paulo' },
    });
    expect(await get('profile')).toEqual(second.body.data);
  });

  test('a section without a default needs its required fields at first, and forgets all by DELETE', async () => {
    const { street: _, ...incomplete } = ADDRESS;
    const refused = await patch('address', incomplete);
    expect([refused.status, refused.body.details.fields.map((fault: { field: string }) => fault.field)]).toEqual([422, ['street']]);
    expect(await get('address')).toMatchObject({ value: null, version: 0 });
    const set = await patch('address', ADDRESS);
    expect(set.body.data.value).toEqual({ ...ADDRESS, state: 'SP', postal_code: '01310-100', complement: null, map_url: null, parking: null });
    expect((await patch('address', { number: null })).status).toBe(422);
    expect((await patch('address', { map_url: 'https://maps.app.goo.gl/x', number: 's/n' })).body.data.value).toMatchObject({
      number: 's/n',
      street: ADDRESS.street,
      map_url: 'https://maps.app.goo.gl/x',
    });
    expect((await app.call('DELETE', '/api/settings/address', undefined, { 'if-match': '1' })).status).toBe(412);
    expect((await app.call('DELETE', '/api/settings/address')).status).toBe(204);
    expect(await get('address')).toMatchObject({ value: null, version: 3 });
  });

  test('one weekday can change alone; a list is replaced as a whole', async () => {
    await patch('hours', { mon: ['08:00-12:00', '13:00-18:00'], sat: ['08:00-13:00'] });
    expect((await patch('hours', { mon: [], sun: ['00:00-24:00'] })).body.data.value).toEqual({
      mon: [],
      tue: [],
      wed: [],
      thu: [],
      fri: [],
      sat: ['08:00-13:00'],
      sun: ['00:00-24:00'],
    });
    const emergency = await patch('emergency', {
      items: [
        { ...PLACE, hours: 'always' },
        { ...PLACE, map_url: 'https://maps.example.com/?q=1', hours: { sat: ['10:00-14:00'] } },
      ],
    });
    expect(emergency.body.data.value.items).toEqual([
      { ...PLACE, phone: '+551134567890', map_url: null, hours: 'always' },
      {
        ...PLACE,
        phone: '+551134567890',
        map_url: 'https://maps.example.com/?q=1',
        hours: { mon: [], tue: [], wed: [], thu: [], fri: [], sat: ['10:00-14:00'], sun: [] },
      },
    ]);
    expect((await patch('emergency', { items: [] })).body.data.value).toEqual({ items: [] });
  });

  test('every holiday of the library can be chosen', async () => {
    const ids = holidaysOf(2027).map(({ id }) => id);
    const chosen = await patch('holidays', { closed_national: false, optional: ids });
    expect(chosen.body.data.value).toEqual({ closed_national: false, optional: ids });
  });

  test('the PIX key is kept in its canonical form, and a new key is no demo', async () => {
    expect((await patch('pix', { ...PIX, demo: true })).body.data.value).toEqual({ ...PIX, key: '+5511987654321', demo: true });
    expect((await patch('pix', { city: 'Campinas' })).body.data.value).toMatchObject({ city: 'Campinas', demo: true });
    expect((await patch('pix', { key: 'pix@caramelo.vet', key_type: 'email' })).body.data.value).toMatchObject({ key: 'pix@caramelo.vet', demo: false });
  });

  test.each([
    ['cpf', '52998224726'],
    ['cnpj', '11222333000182'],
    ['email', 'pix@caramelo'],
    ['phone', '(11) 3456-7890'],
    ['random', 'not-a-uuid'],
    ['random', '\u0000'],
  ])('a wrong PIX key of type %s is refused and changes nothing', async (key_type, key) => {
    const before = await get('pix');
    const refused = await patch('pix', { ...PIX, key, key_type });
    expect([refused.status, refused.body.code, refused.body.details.fields[0].field]).toEqual([422, 'VALIDATION_FAILED', 'key']);
    expect(await get('pix')).toEqual(before);
  });

  test.each<[string, string, unknown]>([
    ['profile', '(body)', {}],
    ['profile', '(body)', []],
    ['profile', 'nome', { nome: 'x' }],
    ['profile', '__proto__', '{"__proto__": {"name": "x"}, "name": "y"}'],
    ['profile', 'name', { name: null }],
    ['profile', 'name', { name: ' \u200B ' }],
    ['profile', 'name', { name: 'x'.repeat(121) }],
    ['profile', 'about', { about: 'x'.repeat(200_000) }],
    ['profile', 'phone', { phone: '0800 123 4567' }],
    ['profile', 'email', { email: 'oi@' }],
    ['profile', 'tax_id', { tax_id: '11111111111' }],
    ['profile', 'timezone', { timezone: 'Brasilia' }],
    ['profile', 'timezone', { timezone: '-03:00' }],
    ['profile', 'locale', { locale: 'en' }],
    ['profile', 'site', { site: 'javascript:alert(1)' }],
    ['profile', 'site', { site: 'java\nscript:alert(1)' }],
    ['profile', 'site', { site: 'https://user:pass@caramelo.vet' }],
    ['address', 'map_url', { ...ADDRESS, map_url: 'http://maps.example.com' }],
    ['address', 'map_url', { ...ADDRESS, map_url: 'data:text/html,x' }],
    ['address', 'postal_code', { ...ADDRESS, postal_code: '1310-100' }],
    ['address', 'state', { ...ADDRESS, state: 'São Paulo' }],
    ['hours', 'mon', { mon: ['25:00-26:00'] }],
    ['hours', 'mon', { mon: ['18:00-08:00'] }],
    ['hours', 'mon', { mon: ['08:00-12:00', '11:00-13:00'] }],
    ['hours', 'mon.1', { mon: ['08:00-12:00', 9] }],
    ['hours', 'mon.0', { mon: ['x'.repeat(100_000)] }],
    ['hours', 'mon', { mon: null }],
    ['hours', 'seg', { seg: [] }],
    ['holidays', 'optional.0', { optional: ['carnival'] }],
    ['holidays', 'optional', { optional: ['easter', 'easter'] }],
    ['holidays', 'closed_national', { closed_national: 'yes' }],
    ['emergency', '(body)', []],
    ['emergency', 'items.0.hours', { items: [{ ...PLACE, hours: 'never' }] }],
    ['emergency', 'items.0.map_url', { items: [{ ...PLACE, hours: 'always', map_url: 'javascript:alert(1)' }] }],
    ['emergency', 'items.0.fax', { items: [{ ...PLACE, hours: 'always', fax: '1' }] }],
    ['emergency', 'items', { items: Array.from({ length: 21 }, () => ({ ...PLACE, hours: 'always' })) }],
    ['pix', 'key_type', { ...PIX, key_type: 'evp' }],
    ['policies', 'lead_minutes', { lead_minutes: -1 }],
    ['policies', 'horizon_days', { horizon_days: 1.5 }],
    ['policies', 'grid_minutes', { grid_minutes: 0 }],
  ])('%s is refused at %s (%#) and changes nothing', async (section, field, body) => {
    const before = await get(section);
    const { status, body: answer, text } = await patch(section, body);
    expect([status, answer.code, answer.details.fields[0].field]).toEqual([422, 'VALIDATION_FAILED', field]);
    expect(text.length).toBeLessThan(1_000);
    expect(await get(section)).toEqual(before);
  });

  test('a megabyte is too much, whoever sends it', async () => {
    expect((await patch('profile', { about: 'x'.repeat(1_000_000) })).status).toBe(413);
  });

  test('an unknown section is not there', async () => {
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const { status, body } = await app.call(method, '/api/settings/pace', method === 'PATCH' ? { a: 1 } : undefined);
      expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
    }
  });

  test('the version seen must be the one there, 0 included', async () => {
    expect((await patch('policies', { lead_minutes: 60 }, { 'if-match': '3' })).status).toBe(412);
    expect((await patch('policies', { lead_minutes: 60 }, { 'if-match': '0' })).body.data.version).toBe(1);
    const late = await patch('policies', { lead_minutes: 90 }, { 'if-match': '"0"' });
    expect([late.status, late.body.code]).toEqual([412, 'VERSION_MISMATCH']);
    expect((await get('policies')).value.lead_minutes).toBe(60);
  });

  test('changes at the same moment merge one after the other', async () => {
    const before = (await get('policies')).version as number;
    const answers = await Promise.all([{ lead_minutes: 30 }, { horizon_days: 90 }, { grid_minutes: 15 }].map((body) => patch('policies', body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await get('policies')).toMatchObject({ version: before + 3, value: { lead_minutes: 30, horizon_days: 90, grid_minutes: 15 } });
  });

  test('the list is cached, and a change is seen at once', async () => {
    await app.call('GET', '/api/settings');
    expect((await app.call('GET', '/api/settings')).headers.get('x-cache')).toBe('HIT');
    await patch('profile', { about: 'Outra coisa' });
    const after = await app.call('GET', '/api/settings');
    expect([after.headers.get('x-cache'), after.body.data.profile.value.about]).toEqual(['MISS', 'Outra coisa']);
  });

  test('every change leaves an event and an audit row', async () => {
    for (const key of sectionKeys) {
      const audited = await app.db.all(sql`select id from audit_log where entity = 'settings' and entity_id = ${key}`);
      const { version } = await get(key);
      expect([audited.length, await countEvents(key)]).toEqual([version, version]);
    }
  });

  test('reading and writing are two scopes', async () => {
    const reader = await app.as({ scopes: ['settings:read'] });
    expect((await reader('GET', '/api/settings')).status).toBe(200);
    for (const method of ['PATCH', 'DELETE'])
      expect((await reader(method, '/api/settings/profile', method === 'PATCH' ? { about: null } : undefined)).status).toBe(403);
    const writer = await app.as({ scopes: ['settings:write'] });
    expect([(await writer('GET', '/api/settings/pix')).status, (await writer('PATCH', '/api/settings/pix', { city: 'Santos' })).status]).toEqual([403, 200]);
  });
});
