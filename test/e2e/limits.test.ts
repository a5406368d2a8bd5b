/** How often one may call: by address and by caller, exact over all instances, with Redis or without. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allModes, type Answer, type Mode, type StartOptions, startApp, type TestApp } from '../support/app.ts';
import { startRedis } from '../../server/platform/cache/cache.fixtures.ts';
import { expectRefusal } from './expectations.ts';

const NONE = { 'x-api-key': '' };
const LOGIN = { 'content-type': 'application/json' };
const open: TestApp[] = [];
afterEach(async () => {
  for (const app of open.splice(0).reverse()) await app.close();
});

async function start(mode: Mode, env: Record<string, string>, more: StartOptions = {}): Promise<TestApp> {
  const app = await startApp(mode, { ...more, env });
  open.push(app);
  return app;
}

const statuses = (answers: Answer[]) =>
  Object.fromEntries(Object.entries(Object.groupBy(answers, ({ status }) => String(status))).map(([status, list]) => [status, list!.length]));
const times = async (n: number, call: (i: number) => Promise<Answer>) => Promise.all(Array.from({ length: n }, (_, i) => call(i)));

function expectLimited(answer: Answer): void {
  expectRefusal(answer, 429, 'RATE_LIMITED');
  const wait = Number(answer.headers.get('retry-after'));
  expect(wait).toBeGreaterThanOrEqual(1);
  expect(wait).toBeLessThanOrEqual(60);
}

describe.each(allModes)('limits on $engine + $cache', (mode) => {
  test('by address, without credentials too: exactly so many, then 429 with Retry-After', async () => {
    const app = await start(mode, { RATE_LIMIT_PER_IP: '20' });
    const answers = await times(30, (i) =>
      app.call(
        ['GET', 'POST', 'PUT'][i % 3]!,
        ['/api/tutors', '/API/Tutors/', '/api/nowhere', '/api/tutors/x?y=1', '/api/openapi.json'][i % 5]!,
        undefined,
        i % 5 === 4 && i % 3 !== 0
          ? NONE
          : { ...NONE, 'x-forwarded-for': `10.0.0.${i}`, forwarded: `for=10.0.1.${i}`, 'x-real-ip': `10.0.2.${i}`, 'user-agent': String(i) },
      ),
    );
    expect(statuses(answers)['429']).toBe(10);
    for (const answer of answers.filter(({ status }) => status === 429)) expectLimited(answer);
    // Who watches over us is not shut out with the noise.
    expect((await app.call('GET', '/health/ready', undefined, NONE)).status).toBe(200);
    // Having a key does not make an address fresh.
    expectLimited(await app.call('GET', '/api/tutors'));
    expectLimited(await app.call('POST', '/api/auth/login', { email: 'dona@clinica.test', password: 'x' }, { ...NONE, ...LOGIN }));
  });

  test('by caller: one key’s noise is not another’s', async () => {
    const app = await start(mode, { RATE_LIMIT_PER_USER: '15' });
    const other = await app.as({ scopes: ['customers:read'] });
    const answers = await times(30, () => other('GET', '/api/tutors?limit=1'));
    expect(statuses(answers)).toEqual({ 200: 15, 429: 15 });
    expectLimited(answers.find(({ status }) => status === 429)!);
    expect((await app.call('GET', '/api/tutors?limit=1')).status).toBe(200);
    // Another way to present the same key is the same caller.
    const bearer = await times(3, () =>
      app.call('GET', '/api/tutors?limit=1', undefined, { ...NONE, authorization: 'Bearer test-key-with-every-scope-0123456789' }),
    );
    expect(statuses(bearer)).toEqual({ 200: 3 });
    const rest = await times(20, (i) =>
      app.call('GET', '/api/tutors?limit=1', undefined, i % 2 ? { ...NONE, authorization: 'bearer test-key-with-every-scope-0123456789' } : {}),
    );
    // 15 in all, less the key's creation, one read and three by bearer.
    expect(statuses(rest)).toEqual({ 200: 10, 429: 10 });
  });

  test('x-forwarded-for counts only as far as proxies are trusted', async () => {
    const app = await start(mode, { RATE_LIMIT_PER_IP: '5', TRUST_PROXY: '1' });
    const from = (address: string) => app.call('GET', '/api/openapi.json', undefined, { ...NONE, 'x-forwarded-for': address });
    expect(statuses(await times(8, () => from('203.0.113.7')))).toEqual({ 200: 5, 429: 3 });
    // What a caller writes itself stands left of what the proxy saw.
    expect(statuses(await times(4, (i) => from(`198.51.100.${i}, 203.0.113.7`)))).toEqual({ 429: 4 });
    expect(statuses(await times(5, () => from('203.0.113.8')))).toEqual({ 200: 5 });
  });
});

const shared = allModes.filter(({ engine, cache }) => engine === 'postgresql' && cache === 'redis');
describe.each(shared)('limits over two instances on $engine + $cache', (mode) => {
  async function pair(env: Record<string, string>): Promise<TestApp[]> {
    const first = await start(mode, env);
    const second = await first.another({ env });
    open.push(second);
    return [first, second];
  }

  test('a caller has one share of both', async () => {
    const both = await pair({ RATE_LIMIT_PER_USER: '25' });
    expect(statuses(await times(40, (i) => both[i % 2]!.call('GET', '/api/tutors?limit=1')))).toEqual({ 200: 25, 429: 15 });
  });

  test('an address has one share of both', async () => {
    const both = await pair({ RATE_LIMIT_PER_IP: '30' });
    expect(statuses(await times(50, (i) => both[i % 2]!.call('GET', '/api/tutors', undefined, NONE)))).toEqual({ 401: 30, 429: 20 });
  });

  describe('with a Redis that dies', () => {
    let redis: Awaited<ReturnType<typeof startRedis>>;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(() => redis.kill());

    test('each instance goes on limiting by itself', async () => {
      const app = await start({ engine: 'sqlite', cache: 'memory' }, { RATE_LIMIT_PER_IP: '30', REDIS_URL: redis.url });
      expect((await app.call('GET', '/health')).body.data.cache.using).toBe('redis');
      await redis.kill();
      const answers = await times(80, () => app.call('GET', '/api/nowhere'));
      expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      const allowed = statuses(answers)['404'] ?? 0;
      expect(allowed).toBeGreaterThanOrEqual(28);
      expect(allowed).toBeLessThanOrEqual(60);
      expectLimited(await app.call('GET', '/api/nowhere'));
    });
  });
});
