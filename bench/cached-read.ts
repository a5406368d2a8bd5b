/** The whole way of a cached read, beside bare Express and beside what one would write with the usual libraries; and a hit beside a miss. */
import { alternate, type Benchmark, cpuMicros, cpuMicrosOf, ratio, ratioRow, startServer } from './harness.ts';
import { cpuPerRequest, load } from './load.ts';
import { makeDatabase, type Place, REDIS_URL } from './place.ts';
import { openPostgres } from '../server/platform/db/postgres.ts';
import { sql } from '../server/platform/db/sql.ts';

const KEY = 'bench-key-0123456789abcdef';
const headers = { 'x-api-key': KEY };
const CONNECTIONS = 50;
const SECONDS = 4;

async function call(url: string, method: string, path: string, body?: object): Promise<{ headers: Headers; text: string }> {
  const answer = await fetch(url + path, {
    method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return { headers: answer.headers, text };
}

async function makeTutor(url: string, n: number): Promise<string> {
  const tutor = {
    name: `Maria Aparecida dos Santos ${n}`,
    phone: `+55119${String(70_000_000 + n)}`,
    email: `maria.aparecida.${n}@exemplo.com.br`,
    address: { street: 'Rua das Jabuticabeiras', number: '123', district: 'Vila Caramelo', city: 'São Paulo', state: 'SP', postal_code: '01310-100' },
    notes: 'Prefere horários de manhã; o portão fica à esquerda.',
  };
  return (JSON.parse((await call(url, 'POST', '/api/tutors', tutor)).text) as { data: { id: string } }).data.id;
}

export const cachedRead: Benchmark = {
  name: 'cached-read',
  async run({ rounds }) {
    const place = await makeDatabase('read');
    const ours = await startServer('app.ts', {
      NODE_ENV: 'test',
      DATABASE_URL: place.url,
      REDIS_URL,
      API_KEY: KEY,
      ADMIN_EMAIL: 'dona@clinica.test',
      ADMIN_PASSWORD: 'senha-da-dona-123',
      ROLES: 'api',
    });
    const id = await makeTutor(ours.url, 0);
    const path = `/api/tutors/${id}`;
    await call(ours.url, 'GET', path);
    const hit = await call(ours.url, 'GET', path);
    if (hit.headers.get('x-cache') !== 'HIT') throw new Error('the tutor is not cached');
    const env = { BODY: hit.text, KEY, REDIS_URL };
    const bare = await startServer('express-bare.ts', env);
    const twin = await startServer('express-twin.mjs', env);
    try {
      for (const peer of [bare, twin]) {
        const same =
          JSON.stringify((JSON.parse((await call(peer.url, 'GET', path)).text) as { data: unknown }).data) ===
          JSON.stringify((JSON.parse(hit.text) as { data: unknown }).data);
        if (!same) throw new Error('a peer answers something else');
      }
      const on = (server: { pid: number; url: string }) => () =>
        cpuPerRequest(server.pid, { url: server.url + path, headers, connections: CONNECTIONS, seconds: SECONDS });
      const cpu = await alternate(rounds, { bare: on(bare), ours: on(ours), twin: on(twin) });
      return [
        {
          what: `CPU µs per request: bare Express, ours, the library twin (medians of ${rounds} rounds, ${hit.text.length} bytes)`,
          figure: [cpu.bare, cpu.ours, cpu.twin].map((all) => all.toSorted((a, b) => a - b)[all.length >> 1]!.toFixed(1)).join(', '),
          goal: '-',
          reached: null,
        },
        ratioRow('cached GET /api/tutors/{id} over bare Express', ratio(cpu.ours, cpu.bare), 1.75, 'atMost'),
        ratioRow('the same over an Express twin with helmet, pino-http, prom-client, rate-limiter-flexible', ratio(cpu.ours, cpu.twin), 0.7, 'atMost'),
        ...(await hitAndMiss(ours, rounds, place)),
      ];
    } finally {
      await Promise.all([ours.stop(), bare.stop(), twin.stop()]);
      await place.drop();
    }
  },
};

/** A clinic open every day with a service for many at once; answers how a tutor gets a pet and a visit of it. */
async function openAgenda(url: string): Promise<(tutorId: string, n: number) => Promise<void>> {
  const create = async (path: string, body: object) => (JSON.parse((await call(url, 'POST', path, body)).text) as { data: { id: string } }).data.id;
  const open = ['00:00-24:00'];
  await call(url, 'PATCH', '/api/settings/hours', { mon: open, tue: open, wed: open, thu: open, fri: open, sat: open, sun: open });
  await call(url, 'PATCH', '/api/settings/holidays', { closed_national: false });
  const resource = await create('/api/resources', { name: 'Salão', capacity: 100 });
  const service_id = await create('/api/services', { name: 'Banho', duration_minutes: 60, price_cents: 6000, resources: [resource] });
  const first = Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 48 * 3_600_000;
  return async (tutor_id, n) => {
    const pet_id = await create(`/api/tutors/${tutor_id}/pets`, { name: 'Mel', species: 'dog', size: 'small' });
    await create('/api/appointments', { tutor_id, pet_id, service_id, starts_at: new Date(first + (n % 24) * 3_600_000).toISOString() });
  };
}

/** Total CPU (ours, PostgreSQL, Redis) of reads that all miss over reads that all hit: the same paths, cold and warm. */
async function hitAndMiss(ours: { pid: number; url: string }, rounds: number, place: Place) {
  const ids: string[] = [];
  const visits = await openAgenda(ours.url);
  for (let n = 1; n <= 600; n++) {
    ids.push(await makeTutor(ours.url, n));
    await visits(ids.at(-1)!, n);
  }
  // As a database that has been running would have done: without statistics the next visits are found by reading the whole agenda.
  const db = openPostgres({ url: place.url, poolMax: 1, applicationName: 'caramelo bench', onError: () => undefined });
  await db.run(sql`analyze`);
  await db.close();
  const seen = JSON.parse((await call(ours.url, 'GET', `/api/customers/${ids[0]}`)).text) as { data: { pets: unknown[]; next_visits: unknown[] } };
  if (seen.data.pets.length !== 1 || seen.data.next_visits.length !== 1) throw new Error('the view lacks its pet or its visit');
  const total = () => cpuMicros(ours.pid) + cpuMicrosOf((line) => /(^|\/)postgres\b|redis-server/.test(line));
  const { Redis } = await import('ioredis');
  const redis = new Redis(REDIS_URL);
  const forget = async () => {
    const keys = await redis.keys('car:*');
    if (keys.length > 0) await redis.unlink(keys);
  };
  const measure = (path: (id: string) => string, warm: boolean) => async () => {
    let cpu = 0;
    let requests = 0;
    if (warm) {
      await Promise.all(ids.map((id) => call(ours.url, 'GET', path(id))));
      const before = total();
      requests = (await load({ url: ours.url, headers, connections: 32, seconds: 3, paths: ids.map(path) })).requests;
      return (total() - before) / requests;
    }
    for (let pass = 0; pass < 6; pass++) {
      await forget();
      const before = total();
      for (let at = 0; at < ids.length; at += 32) await Promise.all(ids.slice(at, at + 32).map((id) => call(ours.url, 'GET', path(id))));
      cpu += total() - before;
      requests += ids.length;
    }
    return cpu / requests;
  };
  try {
    const profile = (id: string) => `/api/tutors/${id}`;
    const compound = (id: string) => `/api/customers/${id}`;
    const cpu = await alternate(rounds, {
      missProfile: measure(profile, false),
      hitProfile: measure(profile, true),
      missCompound: measure(compound, false),
      hitCompound: measure(compound, true),
    });
    return [
      ratioRow('a miss over a hit, all processes: profile', ratio(cpu.missProfile, cpu.hitProfile), 3, 'atLeast'),
      ratioRow('a miss over a hit, all processes: compound view (customer with pets and next visits)', ratio(cpu.missCompound, cpu.hitCompound), 10, 'atLeast'),
    ];
  } finally {
    redis.disconnect();
  }
}
