/** The same key and body: the same answer, byte for byte, and one effect; whatever happens in between. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../server/platform/db/sql.ts';
import { type Answer, modes, startApp, type TestApp } from '../support/app.ts';
import { makeTutor, type Row } from '../support/clinic.ts';
import { expectRefusal } from './expectations.ts';
import { listRoutes } from './route-list.ts';
import { contents } from './tables.ts';
import { bodies, makeWorld, pathOf, type World } from './world.ts';

let serial = 0;
const newKey = () => `chave-${++serial}`;
const newPhone = () => `+551195${String(++serial).padStart(7, '0')}`;

describe.each(modes)('idempotency on $engine + $cache', (mode) => {
  let app: TestApp;
  let world: World;
  beforeAll(async () => {
    app = await startApp(mode);
    world = await makeWorld(app);
  });
  afterAll(() => app.close());

  const post = (key: string, body: object, path = '/api/tutors', on: Pick<TestApp, 'call'> = app) => on.call('POST', path, body, { 'idempotency-key': key });
  const tutorsWith = async (phone: string) => (await app.db.all(sql`select 1 as found from user_profiles where phone_number = ${phone}`)).length;

  test('every POST that creates or acts can be retried: same bytes, one effect', async () => {
    const routes = (await listRoutes(app)).filter((route) => route.idempotent);
    expect(routes.map((route) => route.name)).toContain('POST /api/appointments');
    // Merging takes a person away that other bodies name: last.
    for (const route of routes.sort((a, b) => Number(a.path.endsWith('/merge')) - Number(b.path.endsWith('/merge')))) {
      const key = newKey();
      const body = bodies(world)[route.name]!();
      const first = await post(key, body, pathOf(route, world));
      expect([200, 201], `${route.name}: ${first.text}`).toContain(first.status);
      expect(first.headers.get('idempotent-replayed')).toBeNull();
      const after = await contents(app.db);
      for (let i = 0; i < 2; i++) {
        const again = await post(key, body, pathOf(route, world));
        expect({ route: route.name, status: again.status, text: again.text, replayed: again.headers.get('idempotent-replayed') }).toEqual({
          route: route.name,
          status: first.status,
          text: first.text,
          replayed: 'true',
        });
      }
      expect(await contents(app.db)).toEqual(after);
      expectRefusal(
        await post(key, { ...body, name: 'Outra coisa' }, pathOf(route, world)).then((answer) =>
          answer.body.code === 'VALIDATION_FAILED' ? post(key, bodies(world)['POST /api/tutors']!(), '/api/tutors') : answer,
        ),
        422,
        'IDEMPOTENCY_KEY_REUSED',
      );
    }
  });

  test('the routes whose answer is a secret ignore the key', async () => {
    const key = newKey();
    const [one, two] = [
      await post(key, { name: 'a', scopes: ['ai:read'] }, '/api/api-keys'),
      await post(key, { name: 'a', scopes: ['ai:read'] }, '/api/api-keys'),
    ];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(one.body.data.key).not.toBe(two.body.data.key);
    const stored = await app.db.all<{ body: string | null }>(sql`select body from idempotency_keys`);
    expect(stored.filter((row) => row.body?.includes(one.body.data.key))).toEqual([]);
  });

  test('64 at once: one effect; the others are told to wait or given its answer', async () => {
    const second = mode.engine === 'postgresql' ? await app.another() : undefined;
    const key = newKey();
    const body = { name: 'Corrida', phone: newPhone() };
    const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => post(key, body, '/api/tutors', second && i % 2 ? second : app)));
    await second?.close();
    const good = answers.filter(({ status }) => status === 201);
    expect(new Set(good.map(({ text }) => text)).size).toBe(1);
    expect(good.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectRefusal(answer, 409, 'CONFLICT');
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect(await tutorsWith(body.phone)).toBe(1);
    expect((await post(key, body)).text).toBe(good[0]!.text);
  });

  test('a refusal is an answer too; what fails on our side is not kept', async () => {
    const phone = newPhone();
    const tutor: Row = await makeTutor(app, { phone });
    const key = newKey();
    const refused = await post(key, { name: 'De novo', phone });
    expectRefusal(refused, 409, 'ALREADY_EXISTS');
    expect((await app.call('DELETE', `/api/tutors/${tutor.id}`)).status).toBe(204);
    const again = await post(key, { name: 'De novo', phone });
    expect([again.status, again.text]).toEqual([409, refused.text]);
    expect(await tutorsWith(phone)).toBe(0);

    const failing = newKey();
    await app.db.tx((tx) => tx.script('alter table products rename to products_gone'));
    const failed = await post(failing, { name: 'Osso', price_cents: 100 }, '/api/products');
    await app.db.tx((tx) => tx.script('alter table products_gone rename to products'));
    expectRefusal(failed, 500, 'INTERNAL_ERROR');
    expect((await post(failing, { name: 'Osso', price_cents: 100 }, '/api/products')).status).toBe(201);
  });

  test('a body that was refused by its schema uses up no key', async () => {
    const key = newKey();
    expectRefusal(await post(key, { name: '' }), 422, 'VALIDATION_FAILED');
    expect((await post(key, { name: 'Certo', phone: newPhone() })).status).toBe(201);
  });

  test('keys belong to their caller', async () => {
    const other = await app.as({ scopes: ['customers:write'] });
    const key = newKey();
    const [mine, theirs] = [
      await post(key, { name: 'Minha', phone: newPhone() }),
      await other('POST', '/api/tutors', { name: 'Deles', phone: newPhone() }, { 'idempotency-key': key }),
    ];
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(mine.body.data.id).not.toBe(theirs.body.data.id);
  });

  test('PATCH and DELETE pay it no heed', async () => {
    const tutor: Row = await makeTutor(app);
    const key = { 'idempotency-key': newKey() };
    const versions = [
      await app.call('PATCH', `/api/tutors/${tutor.id}`, { notes: 'a' }, key),
      await app.call('PATCH', `/api/tutors/${tutor.id}`, { notes: 'a' }, key),
    ].map(({ body }) => body.data.version);
    expect(versions).toEqual([2, 3]);
    const gone = [await app.call('DELETE', `/api/tutors/${tutor.id}`, undefined, key), await app.call('DELETE', `/api/tutors/${tutor.id}`, undefined, key)].map(
      ({ status }) => status,
    );
    expect(gone).toEqual([204, 404]);
  });

  test('killed before the effect: told to wait while the lease lasts, then done once', async () => {
    const key = newKey();
    const body = { name: 'Órfã', phone: newPhone() };
    const first = await post(key, body);
    // As a kill before the transaction leaves it: claimed, no answer, no row.
    await app.call('DELETE', `/api/tutors/${first.body.data.id}`);
    await app.db.run(sql`update idempotency_keys set status = null, body = null where body like ${`%${first.body.data.id}%`}`);
    const waiting = await post(key, body);
    expectRefusal(waiting, 409, 'CONFLICT');
    expect(await tutorsWith(body.phone)).toBe(0);
    await app.db.run(sql`update idempotency_keys set locked_until = '2020-01-01T00:00:00.000Z' where status is null`);
    const taken = await Promise.all(Array.from({ length: 8 }, () => post(key, body)));
    expect(taken.filter(({ status, headers }) => status === 201 && headers.get('idempotent-replayed') === null)).toHaveLength(1);
    expect(await tutorsWith(body.phone)).toBe(1);
  });

  test('after 24 hours by the database’s clock, not ours, a key is new', async () => {
    const key = newKey();
    const phone = newPhone();
    const first = await post(key, { name: 'Ontem', phone });
    const now = app.clock.now();
    app.clock.advance(48 * 3_600_000);
    expect((await post(key, { name: 'Ontem', phone })).text).toBe(first.text);
    app.clock.set(now);
    const mine = sql`body like ${`%${first.body.data.id}%`}`;
    await app.db.run(sql`update idempotency_keys set created_at = ${new Date(Date.now() - 23.9 * 3_600_000).toISOString()} where ${mine}`);
    expect((await post(key, { name: 'Ontem', phone })).text).toBe(first.text);
    await app.db.run(sql`update idempotency_keys set created_at = ${new Date(Date.now() - 24.1 * 3_600_000).toISOString()} where ${mine}`);
    const anew = await post(key, { name: 'Hoje', phone: newPhone() });
    expect([anew.status, anew.body.data.name]).toEqual([201, 'Hoje']);
  });
});

describe.each(modes.filter(({ engine }) => engine === 'postgresql'))('two instances on $engine + $cache', (mode) => {
  test('an owner that lost its lease cannot answer beside the one that took over', async () => {
    const app = await startApp(mode);
    const other = await app.another();
    const body = { name: 'Lenta', phone: newPhone() };
    const send = (on: TestApp) => on.call('POST', '/api/tutors', body, { 'idempotency-key': 'lenta' });
    const answers: Promise<Answer>[] = [];
    // Both are held inside their transactions by a lock on the table they want; meanwhile the first one's lease runs out.
    await other.db.tx(async (tx) => {
      await tx.run(sql`lock table user_profiles in share mode`);
      answers.push(send(app));
      await expect.poll(() => app.db.all(sql`select 1 as found from idempotency_keys where status is null`)).toHaveLength(1);
      await app.db.run(sql`update idempotency_keys set locked_until = '2020-01-01T00:00:00.000Z'`);
      answers.push(send(other));
      await expect.poll(() => app.db.all(sql`select 1 as found from idempotency_keys where locked_until > now()`)).toHaveLength(1);
    });
    const settled = await Promise.all(answers);
    expect(settled.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(await app.db.all(sql`select 1 as found from user_profiles where phone_number = ${body.phone}`)).toHaveLength(1);
    expect((await send(app)).text).toBe(settled.find(({ status }) => status === 201)!.text);
    await other.close();
    await app.close();
  });
});
