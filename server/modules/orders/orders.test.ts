import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemCtx } from '#platform/ctx';
import { sql } from '#platform/db/sql';
import { newId } from '#platform/ids';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';
import { ordersPerson } from './index.ts';

describe.each(modes)('orders on $engine + $cache', (mode) => {
  let app: TestApp;
  let number = 0;
  let product: string;
  beforeAll(async () => {
    app = await startApp(mode);
    product = (await app.call('POST', '/api/products', { name: 'Caminha Média', price_cents: 12_990 })).body.data.id;
  });
  afterAll(() => app.close());

  async function person(): Promise<string> {
    const [id, at] = [newId(), app.clock.now()];
    await app.db.run(sql`insert into user_profiles (id, created_at, updated_at) values (${id}, ${at}, ${at})`);
    await app.db.run(sql`insert into tutors (id, name, created_at, updated_at) values (${id}, 'Bia', ${at}, ${at})`);
    return id;
  }

  async function place(personId: string, status: string, quantities: number[] = [1]): Promise<string> {
    const [id, at] = [newId(), app.clock.now()];
    const total = quantities.reduce((sum, quantity) => sum + quantity * 12_990, 0);
    await app.db.run(sql`
      insert into orders (id, number, user_id, status, delivery, address, notes, total_cents, created_at, updated_at)
      values (${id}, ${++number}, ${personId}, ${status}, 'delivery', ${{ street: 'Rua das Flores', number: '10' }}, 'portão azul', ${total}, ${at}, ${at})`);
    for (const quantity of quantities) {
      await app.db.run(sql`
        insert into order_items (id, order_id, product_id, description, quantity, unit_price_cents, created_at)
        values (${newId()}, ${id}, ${product}, 'Caminha Média', ${quantity}, 12990, ${at})`);
    }
    return id;
  }

  const ids = async (query: string) => (await app.call('GET', `/api/orders?${query}`)).body.data.map((row: { id: string }) => row.id);

  test('without orders the list is empty', async () => {
    const { status, body } = await app.call('GET', `/api/orders?tutor_id=${newId()}`);
    expect([status, body.data, body.meta.next_cursor]).toEqual([200, [], null]);
  });

  test('an order is read with its items', async () => {
    const tutor = await person();
    const id = await place(tutor, 'paid', [2, 1]);
    const { status, body } = await app.call('GET', `/api/orders/${id}`);
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      id,
      tutor_id: tutor,
      status: 'paid',
      delivery: 'delivery',
      address: { street: 'Rua das Flores', number: '10' },
      notes: 'portão azul',
      total_cents: 38_970,
      version: 1,
      items: [
        { product_id: product, appointment_id: null, pet_id: null, product_name: 'Caminha Média', quantity: 2, unit_price_cents: 12_990, total_cents: 25_980 },
        { product_id: product, quantity: 1, total_cents: 12_990 },
      ],
    });
    expect((await app.call('GET', `/api/orders?tutor_id=${tutor}`)).body.data).toEqual([body.data]);
    expect((await app.call('GET', `/api/orders/${newId()}`)).body.code).toBe('NOT_FOUND');
  });

  test('the largest item that can be is added up exactly', async () => {
    const tutor = await person();
    const id = await place(tutor, 'draft', [9999]);
    await app.db.run(sql`update order_items set unit_price_cents = 1000000000 where order_id = ${id}`);
    expect((await app.call('GET', `/api/orders/${id}`)).body.data.items[0].total_cents).toBe(9_999_000_000_000);
  });

  test('the list filters and pages, newest first, in as many statements for many rows as for one', async () => {
    const tutor = await person();
    const made = [await place(tutor, 'paid'), await place(tutor, 'draft', [1, 2, 3]), await place(tutor, 'paid', [4])];
    expect(await ids(`tutor_id=${tutor}`)).toEqual(made.toReversed());
    expect(await ids(`tutor_id=${tutor}&status=draft`)).toEqual([made[1]]);
    const first = await app.call('GET', `/api/orders?tutor_id=${tutor}&limit=2`);
    expect(await ids(`tutor_id=${tutor}&limit=2&cursor=${first.body.meta.next_cursor}`)).toEqual([made[0]]);
    const count = async (limit: number) => {
      app.statements();
      await app.call('GET', `/api/orders?tutor_id=${tutor}&limit=${limit}`);
      return app.statements().filter(({ text }) => /from order/.test(text)).length;
    };
    expect([await count(1), await count(100)]).toEqual([2, 2]);
    app.clock.advance(1000);
    const since = app.clock.now();
    await app.db.run(sql`update orders set updated_at = ${since} where id = ${made[0]!}`);
    expect(await ids(`tutor_id=${tutor}&updated_since=${since}`)).toEqual([made[0]]);
    expect((await app.call('GET', '/api/orders?status=lost')).body.details.fields[0].field).toBe('status');
  });

  test('it takes its own scope', async () => {
    expect((await (await app.as({ scopes: ['orders:read'] }))('GET', '/api/orders')).status).toBe(200);
    expect((await (await app.as({ scopes: ['catalog:read'] }))('GET', '/api/orders')).status).toBe(403);
  });

  test('a person is exported whole, merged, and forgotten while the books stay', async () => {
    const [from, into] = [await person(), await person()];
    const [draft, paid] = [await place(from, 'draft'), await place(from, 'paid')];
    const ctx = systemCtx(app.clock.now(), 'test');
    expect(await ordersPerson.export(app.db, from)).toMatchObject([
      { id: draft, items: [{ quantity: 1 }] },
      { id: paid, notes: 'portão azul' },
    ]);
    await app.db.tx((tx) => ordersPerson.merge(tx, ctx, from, into));
    expect(await ids(`tutor_id=${from}`)).toEqual([]);
    expect(await ids(`tutor_id=${into}`)).toEqual([paid, draft]);
    const erased = async () => {
      await app.db.tx((tx) => ordersPerson.erase(tx, ctx, into));
      return (await app.call('GET', `/api/orders?tutor_id=${into}`)).body.data;
    };
    const kept = await erased();
    expect(kept).toMatchObject([{ id: paid, address: null, notes: null, total_cents: 12_990, items: [{ pet_id: null }] }]);
    expect(await erased()).toEqual(kept);
  });
});
