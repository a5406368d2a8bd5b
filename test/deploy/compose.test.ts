/** compose.yaml, read by a real parser and filled in as Compose does, against what the server and the image say. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../server/app/config.ts';
import { readDockerfile, stepsOf } from '../support/deploy/dockerfile.ts';
import { isSecret, readYaml, SAMPLES, unknownTo } from '../support/deploy/environment.ts';

interface Service {
  image: string;
  build?: string | { context: string; target: string };
  environment?: Record<string, string>;
  ports?: string[];
  volumes: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  profiles?: string[];
  stop_grace_period?: string;
}

const compose = readYaml<{ services: Record<string, Service>; volumes: Record<string, null> }>('compose.yaml');
const { app, postgres, redis, backup } = compose.services as Record<'app' | 'postgres' | 'redis' | 'backup', Service>;
const file = (name: string) => readFileSync(path.resolve(import.meta.dirname, '../..', name), 'utf8');
const stages = readDockerfile(file('Dockerfile'));

const REFERENCE = /\$\{(\w+)(?:(:[?-])([^}]*))?\}/g;

/** `${NAME:?why}` and `${NAME:-default}`; throws where Compose would stop. */
function filledIn(environment: Record<string, string>, given: Readonly<Record<string, string>>): Record<string, string> {
  const fill = (text: string) =>
    text.replaceAll(REFERENCE, (_, name: string, kind: string, words: string) => {
      if (given[name]) return given[name];
      if (kind === ':?') throw new Error(`${name}: ${words}`);
      return words ?? '';
    });
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(String(value))]));
}

describe('compose.yaml', () => {
  test('gives the server only what it reads, and all that production needs', () => {
    expect(unknownTo(app.environment!)).toEqual([]);
    const config = readConfig({ NODE_ENV: 'production', ...filledIn(app.environment!, SAMPLES) });
    expect(config).toMatchObject({
      production: true,
      host: '0.0.0.0',
      port: 3000,
      redisUrl: 'redis://redis:6379',
      database: { ssl: 'disable' },
      channels: ['baileys'],
      timezone: 'America/Sao_Paulo',
    });
    expect(new URL(config.database.url!)).toMatchObject({
      username: 'caramelo',
      password: SAMPLES['POSTGRES_PASSWORD'],
      hostname: 'postgres',
      pathname: '/caramelo',
    });
    expect(backup.environment).toEqual(app.environment);
  });

  test('no secret has a default: without any one of them nothing starts', () => {
    for (const name of Object.keys(SAMPLES)) {
      const { [name]: _missing, ...others } = SAMPLES;
      expect(() => filledIn(app.environment!, others), name).toThrow(name);
    }
    for (const [, name, kind] of file('compose.yaml').matchAll(REFERENCE))
      expect([name, kind]).toEqual([name, isSecret(name!) || name === 'ADMIN_EMAIL' ? ':?' : ':-']);
    expect(postgres.environment).toEqual({
      POSTGRES_USER: 'caramelo',
      POSTGRES_DB: 'caramelo',
      POSTGRES_PASSWORD: expect.stringMatching(/^\$\{POSTGRES_PASSWORD:\?/),
    });
  });

  test('only the server is reached from outside, and only from this machine', () => {
    const [exposed] = stepsOf(stages.at(-1)!, 'EXPOSE');
    expect(app.ports).toEqual([`127.0.0.1:\${PORT:-3000}:${exposed}`]);
    expect([postgres, redis, backup].flatMap((service) => service.ports ?? [])).toEqual([]);
  });

  test('the server waits for databases that can say they are well', () => {
    for (const [name, { condition }] of Object.entries({ ...app.depends_on, ...backup.depends_on })) {
      expect(condition).toBe('service_healthy');
      expect(compose.services[name]!.healthcheck!.test[0]).toBe('CMD');
    }
    expect(Object.keys(app.depends_on!).sort()).toEqual(['postgres', 'redis']);
    // Postgres and Redis of the images the contract asks for, or newer.
    expect(Number(/^postgres:(\d+)$/.exec(postgres.image)?.[1])).toBeGreaterThanOrEqual(14);
    expect(Number(/^redis:(\d+)$/.exec(redis.image)?.[1])).toBeGreaterThanOrEqual(7);
  });

  test('what must stay running is started again and given time to stop; what is kept has a volume', () => {
    for (const service of [app, postgres, redis]) expect(service.restart).toBe('unless-stopped');
    expect(Number.parseInt(app.stop_grace_period!, 10)).toBeGreaterThan(25);
    const named = [app, postgres].flatMap((service) => service.volumes.map((volume) => volume.split(':')));
    expect(named.map(([volume]) => volume)).toEqual(Object.keys(compose.volumes));
    expect(named.map(([, where]) => where)).toEqual([JSON.parse(stepsOf(stages.at(-1)!, 'VOLUME')[0]!)[0], '/var/lib/postgresql']);
  });

  test('backups run on demand, from the stage with the same PostgreSQL as the server', () => {
    expect(backup).toMatchObject({ profiles: ['backup'], build: { context: '.', target: 'backup' }, volumes: ['./data/backups:/app/data/backups'] });
    expect(stages.find(({ name }) => name === 'backup')!.image).toBe(postgres.image);
  });
});
