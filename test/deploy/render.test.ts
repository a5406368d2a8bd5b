/** render.yaml, read by a real parser, against what the server and the image say. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../server/app/config.ts';
import { modes, startApp } from '../support/app.ts';
import { readDockerfile } from '../support/deploy/dockerfile.ts';
import { isSecret, readYaml, SAMPLES, unknownTo } from '../support/deploy/environment.ts';

interface Variable {
  key: string;
  value?: string;
  sync?: boolean;
  generateValue?: boolean;
  fromDatabase?: { name: string; property: string };
  fromService?: { name: string; type: string; property: string };
}

interface Service {
  type: string;
  name: string;
  region: string;
  runtime?: string;
  dockerfilePath?: string;
  healthCheckPath?: string;
  preDeployCommand?: string;
  maxShutdownDelaySeconds?: number;
  ipAllowList?: string[];
  envVars?: Variable[];
}

const render = readYaml<{ services: Service[]; databases: { name: string; region: string; postgresMajorVersion: string; ipAllowList: string[] }[] }>(
  'render.yaml',
);
const web = render.services.find(({ type }) => type === 'web')!;
const cache = render.services.find(({ type }) => type === 'keyvalue')!;
const database = render.databases[0]!;
const project = path.resolve(import.meta.dirname, '../..');

/** What Render puts in each variable's place; what people leave empty is unset. */
function given({ key, value, fromDatabase, fromService, generateValue, sync }: Variable): string | undefined {
  if (value !== undefined) return value;
  if (fromDatabase)
    return fromDatabase.name === database.name && fromDatabase.property === 'connectionString' ? 'postgresql://caramelo:secret@dpg-abc-a/caramelo' : undefined;
  if (fromService)
    return fromService.name === cache.name && fromService.type === cache.type && fromService.property === 'connectionString'
      ? 'redis://red-abc:6379'
      : undefined;
  if (generateValue) return Buffer.alloc(32, 7).toString('base64');
  return sync === false ? SAMPLES[key] : undefined;
}

describe('render.yaml', () => {
  test('gives the server only what it reads, and all that production needs', () => {
    const environment = Object.fromEntries(web.envVars!.map((variable) => [variable.key, given(variable)]));
    expect(Object.keys(environment)).toHaveLength(web.envVars!.length);
    expect(unknownTo(environment)).toEqual([]);
    // The host chooses the port.
    const config = readConfig({ ...environment, PORT: '10000' });
    expect(config).toMatchObject({
      production: true,
      host: '0.0.0.0',
      port: 10_000,
      trustProxy: 1,
      redisUrl: 'redis://red-abc:6379',
      admin: { email: SAMPLES['ADMIN_EMAIL'] },
    });
    expect(config.database).toMatchObject({ url: 'postgresql://caramelo:secret@dpg-abc-a/caramelo', ssl: 'require' });
  });

  test('writes no secret down', () => {
    for (const { key, value } of web.envVars!) expect([key, isSecret(key) ? value : undefined]).toEqual([key, undefined]);
    expect(web.envVars!.find(({ key }) => key === 'API_KEY')).toEqual({ key: 'API_KEY', generateValue: true });
    for (const key of ['ENCRYPTION_KEY', 'ADMIN_EMAIL', 'ADMIN_PASSWORD']) expect(web.envVars!.find((one) => one.key === key)).toEqual({ key, sync: false });
  });

  test('builds our image, beside databases of the same region that nobody else reaches', () => {
    expect(web).toMatchObject({ runtime: 'docker', maxShutdownDelaySeconds: 30 });
    expect(web.preDeployCommand).toBeUndefined();
    expect(existsSync(path.join(project, web.dockerfilePath!))).toBe(true);
    expect([cache.region, database.region]).toEqual([web.region, web.region]);
    expect([cache.ipAllowList, database.ipAllowList]).toEqual([[], []]);
    const backup = readDockerfile(readFileSync(path.join(project, 'Dockerfile'), 'utf8')).find(({ name }) => name === 'backup')!;
    expect(`postgres:${database.postgresMajorVersion}`).toBe(backup.image);
  });

  test('asks for health where the server answers without credentials', async () => {
    const app = await startApp(modes.at(-1)!);
    try {
      const { status } = await app.call('GET', web.healthCheckPath!, undefined, { 'x-api-key': '' });
      expect(status).toBe(200);
    } finally {
      await app.close();
    }
  });
});
