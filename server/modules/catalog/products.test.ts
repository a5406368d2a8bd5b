import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#platform/ids';
import { modes, startApp, type TestApp } from '../../../test/support/app.ts';

describe.each(modes)('products on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  const create = async (body: object) => (await app.call('POST', '/api/products', { price_cents: 1990, ...body })).body.data;
  const names = async (query: string) => (await app.call('GET', `/api/products?${query}`)).body.data.map((row: { name: string }) => row.name);

  test('name and price are enough; stock is then not counted', async () => {
    const { status, body } = await app.call('POST', '/api/products', { name: 'Brinquedo Bola', price_cents: 1990 });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({
      name: 'Brinquedo Bola',
      price_cents: 1990,
      description: null,
      stock_quantity: null,
      species: null,
      min_weight_kg: null,
      max_weight_kg: null,
      sale: 'free',
      external_id: null,
      archived_at: null,
      version: 1,
    });
    expect((await app.call('GET', `/api/products/${body.data.id}`)).body.data).toEqual(body.data);
  });

  test('every field comes back as it was given', async () => {
    const given = {
      name: 'Antipulgas Bravecto 10-20kg',
      price_cents: 21_990,
      description: 'Mastigável',
      stock_quantity: 12,
      species: ['dog'],
      min_weight_kg: 10,
      max_weight_kg: 20.5,
      sale: 'ask_staff',
      external_id: 'bravecto-m',
    };
    expect(await create(given)).toMatchObject(given);
  });

  test('stock is changed by PATCH, to none and to not counted', async () => {
    const { id } = await create({ name: 'Areia Sanitária 4kg', stock_quantity: 3 });
    const patch = async (stock_quantity: unknown) => app.call('PATCH', `/api/products/${id}`, { stock_quantity });
    expect((await patch(0)).body.data).toMatchObject({ stock_quantity: 0, version: 2 });
    expect((await patch(null)).body.data).toMatchObject({ stock_quantity: null, version: 3 });
    expect((await patch(-1)).status).toBe(422);
    expect((await patch(1.5)).status).toBe(422);
    expect((await app.call('GET', `/api/products/${id}`)).body.data).toMatchObject({ stock_quantity: null, version: 3 });
  });

  test('the weights never cross, given together or one after the other', async () => {
    const fault = [422, 'VALIDATION_FAILED', 'max_weight_kg'];
    const told = ({ status, body }: { status: number; body: { code: string; details: { fields: { field: string }[] } } }) => [
      status,
      body.code,
      body.details.fields[0]!.field,
    ];
    expect(told(await app.call('POST', '/api/products', { name: 'Torto', price_cents: 1, min_weight_kg: 20, max_weight_kg: 10 }))).toEqual(fault);
    const { id } = await create({ name: 'Vermífugo', min_weight_kg: 5, max_weight_kg: 10 });
    expect(told(await app.call('PATCH', `/api/products/${id}`, { min_weight_kg: 11 }))).toEqual(fault);
    expect(told(await app.call('PATCH', `/api/products/${id}`, { min_weight_kg: 11, max_weight_kg: 10.5 }))).toEqual(fault);
    expect((await app.call('PATCH', `/api/products/${id}`, { max_weight_kg: 5 })).body.data).toMatchObject({ min_weight_kg: 5, max_weight_kg: 5 });
  });

  test('search is blind to accents and case, and knows what is in stock', async () => {
    await create({ name: 'Ração Golden Adulto 15kg', stock_quantity: 2 });
    await create({ name: 'Ração Premier Filhotes 10kg', stock_quantity: 0 });
    await create({ name: 'Ração a granel' });
    expect(await names('q=RACAO')).toEqual(['Ração a granel', 'Ração Premier Filhotes 10kg', 'Ração Golden Adulto 15kg']);
    expect(await names('q=ra%C3%A7%C3%A3o&in_stock=true')).toEqual(['Ração a granel', 'Ração Golden Adulto 15kg']);
    expect(await names('q=racao&in_stock=false')).toEqual(['Ração Premier Filhotes 10kg']);
    expect(await names('q=100%25')).toEqual([]);
    expect((await app.call('GET', '/api/products?in_stock=maybe')).status).toBe(422);
    expect((await app.call('GET', '/api/products?colour=red')).status).toBe(422);
  });

  test('a list is cached, and a change of stock is seen at once', async () => {
    const { id } = await create({ name: 'Coleira Antipulgas', stock_quantity: 1 });
    const read = () => app.call('GET', '/api/products?q=coleira&in_stock=true');
    expect([(await read()).headers.get('x-cache'), (await read()).headers.get('x-cache')]).toEqual(['MISS', 'HIT']);
    await app.call('PATCH', `/api/products/${id}`, { stock_quantity: 0 });
    expect((await read()).body.data).toEqual([]);
  });

  test('an external id is given once; archived and unknown products', async () => {
    const first = await create({ name: 'Petisco Bifinho 500g', external_id: 'sku-1' });
    const again = await app.call('POST', '/api/products', { name: 'Outro', price_cents: 1, external_id: 'sku-1' });
    expect([again.status, again.body.code, again.body.details.id]).toEqual([409, 'ALREADY_EXISTS', first.id]);
    expect(await names('external_id=sku-1')).toEqual(['Petisco Bifinho 500g']);
    await app.call('PATCH', `/api/products/${first.id}`, { archived: true });
    expect(await names('external_id=sku-1&archived=false')).toEqual([]);
    expect(await names('external_id=sku-1')).toEqual(['Petisco Bifinho 500g']);
    expect(await names('external_id=sku-1&archived=true')).toEqual(['Petisco Bifinho 500g']);
    expect((await app.call('DELETE', `/api/products/${first.id}`, undefined, { 'if-match': '1' })).status).toBe(412);
    expect((await app.call('DELETE', `/api/products/${first.id}`)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) expect((await app.call(method, `/api/products/${first.id}`)).body.code).toBe('NOT_FOUND');
    expect((await app.call('PATCH', `/api/products/${newId()}`, { price_cents: 1 })).body.code).toBe('NOT_FOUND');
    expect((await app.call('GET', '/api/products/1')).body.code).toBe('NOT_FOUND');
  });

  test.each([
    ['price_cents', { price_cents: -1 }],
    ['price_cents', { price_cents: '1990' }],
    ['stock_quantity', { stock_quantity: 1e12 }],
    ['species', { species: ['dog', 'dog'] }],
    ['sale', { sale: 'always' }],
    ['max_weight_kg', { max_weight_kg: 0 }],
    ['version', { version: 9 }],
  ])('a fault is named: %s', async (field, more) => {
    const { status, body } = await app.call('POST', '/api/products', { name: 'Defeituoso', price_cents: 1, ...more });
    expect([status, body.details.fields.map((f: { field: string }) => f.field)]).toEqual([422, [field]]);
    expect(await names('q=defeituoso')).toEqual([]);
  });
});
