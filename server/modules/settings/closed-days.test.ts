import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#platform/db/sql';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';

const PATH = '/api/settings/closed-days';
const NOBODY = '01890000-0000-7000-8000-000000000000';

describe.each(modes)('closed days on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const list = async (query: string) =>
    (await app.call('GET', `${PATH}?${query}`)).body.data as { date: string; kind: string; closed: boolean; name: string }[];
  const add = (body: unknown, headers?: Record<string, string>) => app.call('POST', PATH, body, headers);

  test('a day of our own stands among the holidays', async () => {
    const made = await add({ date: '2027-01-25', name: ' Aniversário de São Paulo ' });
    expect(made.status).toBe(201);
    expect(made.body.data).toMatchObject({ date: '2027-01-25', name: 'Aniversário de São Paulo', hours: null, version: 1 });
    expect(await list('from=2027-01-01&to=2027-02-28')).toEqual([
      { id: null, date: '2027-01-01', name: 'Ano novo', kind: 'national', holiday_id: 'new_year', closed: true, hours: null, version: null },
      { id: made.body.data.id, date: '2027-01-25', name: 'Aniversário de São Paulo', kind: 'own', holiday_id: null, closed: true, hours: null, version: 1 },
      { id: null, date: '2027-02-09', name: 'Carnaval (terça-feira)', kind: 'optional', holiday_id: 'carnaval', closed: false, hours: null, version: null },
    ]);
  });

  test('an exceptional opening outdoes its holiday, which is a choice anyway', async () => {
    const opened = await add({ date: '2027-09-07', name: 'Plantão', hours: ['09:00-12:00'] });
    expect(opened.body.data.hours).toEqual(['09:00-12:00']);
    const closed = async (from: string, to: string) => (await list(`from=${from}&to=${to}`)).map((day) => [day.kind, day.closed]);
    expect(await closed('2027-09-07', '2027-09-07')).toEqual([
      ['national', false],
      ['own', false],
    ]);
    await app.call('PATCH', `${PATH}/${opened.body.data.id}`, { hours: null });
    expect(await closed('2027-09-07', '2027-09-07')).toEqual([
      ['national', true],
      ['own', true],
    ]);
    await app.call('PATCH', '/api/settings/holidays', { closed_national: false, optional: ['corpus_christi'] });
    expect(await closed('2027-05-01', '2027-05-31')).toEqual([
      ['national', false],
      ['optional', true],
    ]);
    await app.call('DELETE', '/api/settings/holidays');
  });

  test('without days it looks a year ahead from the clinic’s today', async () => {
    app.clock.set('2027-01-26T01:00:00.000Z');
    const ahead = await list('');
    app.clock.set('2027-01-26T04:00:00.000Z');
    const later = await list('');
    expect([ahead[0]?.date, later[0]?.date, ahead.at(-1)?.date]).toEqual(['2027-01-25', '2027-02-09', '2028-01-01']);
  });

  test('a date has one row', async () => {
    const [one, two] = await Promise.all([add({ date: '2027-03-10', name: 'Reforma' }), add({ date: '2027-03-10', name: 'Reforma' })]);
    const [made, refused] = one.status === 201 ? [one, two] : [two, one];
    expect([made.status, refused.status, refused.body.code]).toEqual([201, 409, 'ALREADY_EXISTS']);
    expect(refused.body.details.id).toBe(made.body.data.id);
    const other = await add({ date: '2027-03-11', name: 'Reforma' });
    const moved = await app.call('PATCH', `${PATH}/${other.body.data.id}`, { date: '2027-03-10' });
    expect([moved.status, moved.body.code, moved.body.details.id]).toEqual([409, 'ALREADY_EXISTS', made.body.data.id]);
    expect((await app.call('PATCH', `${PATH}/${other.body.data.id}`, { date: '2027-03-12', name: 'Obra' })).body.data).toMatchObject({
      date: '2027-03-12',
      name: 'Obra',
      version: 2,
    });
  });

  test('an idempotent retry makes nothing new', async () => {
    const headers = { 'idempotency-key': 'closed-day-retry' };
    const first = await add({ date: '2027-06-14', name: 'Inventário' }, headers);
    const again = await add({ date: '2027-06-14', name: 'Inventário' }, headers);
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
  });

  test('the version seen must be the one there; what is gone is gone', async () => {
    const { id } = (await add({ date: '2027-07-01', name: 'Férias' })).body.data;
    expect((await app.call('PATCH', `${PATH}/${id}`, { name: 'Folga' }, { 'if-match': '2' })).status).toBe(412);
    expect((await app.call('PATCH', `${PATH}/${id}`, { name: 'Folga' }, { 'if-match': '1' })).body.data).toMatchObject({ name: 'Folga', version: 2 });
    expect((await app.call('DELETE', `${PATH}/${id}`, undefined, { 'if-match': '1' })).status).toBe(412);
    expect((await app.call('DELETE', `${PATH}/${id}`, undefined, { 'if-match': '2' })).status).toBe(204);
    for (const method of ['DELETE', 'PATCH'])
      expect((await app.call(method, `${PATH}/${id}`, method === 'PATCH' ? { name: 'x' } : undefined)).status).toBe(404);
    const audited = await app.db.all<{ action: string }>(sql`select action from audit_log where entity = 'closed_day' and entity_id = ${id} order by id`);
    expect(audited.map(({ action }) => action)).toEqual(['created', 'updated', 'deleted']);
    const event = await app.db.first<{ subject: unknown }>(sql`select subject from events where type = 'settings.changed' order by seq desc limit 1`);
    expect(event?.subject).toEqual({ section: 'closed_days' });
  });

  test.each<[string, unknown]>([
    ['date', { name: 'x' }],
    ['date', { date: '2027-02-29', name: 'x' }],
    ['date', { date: '2027-2-9', name: 'x' }],
    ['date', { date: '1899-12-31', name: 'x' }],
    ['name', { date: '2027-08-01' }],
    ['name', { date: '2027-08-01', name: '\u202E' }],
    ['name', { date: '2027-08-01', name: 'x'.repeat(150_000) }],
    ['hours', { date: '2027-08-01', name: 'x', hours: [] }],
    ['hours', { date: '2027-08-01', name: 'x', hours: ['25:00-26:00'] }],
    ['hours', { date: '2027-08-01', name: 'x', hours: ['10:00-09:00'] }],
    ['hours', { date: '2027-08-01', name: 'x', hours: ['08:00-10:00', '09:00-11:00'] }],
    ['closed', { date: '2027-08-01', name: 'x', closed: true }],
  ])('refused at %s (%#)', async (field, body) => {
    const { status, body: answer } = await add(body);
    expect([status, answer.code, answer.details.fields[0].field]).toEqual([422, 'VALIDATION_FAILED', field]);
    expect(await list('from=2027-08-01&to=2027-08-01')).toEqual([]);
  });

  test.each(['from=2027-01-02&to=2027-01-01', 'from=2027-01-01&to=2031-01-01', 'to=yesterday', 'from=2099-06-01&limit=3'])('?%s is refused', async (query) => {
    expect((await app.call('GET', `${PATH}?${query}`)).status).toBe(422);
  });

  test('the last day of the calendar is a day like any other', async () => {
    expect((await list('from=2099-12-01')).map(({ name }) => name)).toEqual(['Natal']);
  });

  test.each(['PATCH', 'DELETE'])('%s of nobody’s id, or of no id, is 404', async (method) => {
    for (const id of [NOBODY, 'x', '%00']) expect((await app.call(method, `${PATH}/${id}`, method === 'PATCH' ? { name: 'x' } : undefined)).status).toBe(404);
  });

  test('writing needs its scope', async () => {
    const reader = await app.as({ scopes: ['settings:read'] });
    expect([(await reader('GET', PATH)).status, (await reader('POST', PATH, { date: '2027-12-24', name: 'x' })).status]).toEqual([200, 403]);
  });
});
