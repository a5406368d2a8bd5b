import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allModes, startApp, type TestApp } from '../support/app.ts';

describe.each(allModes)('gateway on $engine + $cache', (mode) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(mode);
  });
  afterAll(() => app.close());

  test('health tells what is in use', async () => {
    const { status, body } = await app.call('GET', '/health');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ status: 'ok', database: { engine: mode.engine, migrations_pending: 0 }, cache: { using: mode.cache } });
  });

  test('no credentials: 401 before anything is looked at', async () => {
    for (const path of ['/api/tutors', '/api/nowhere', '/api/tutors/not-an-id', '/metrics']) {
      const { status, body } = await app.call('GET', path, undefined, { 'x-api-key': '' });
      expect({ path, status, code: body.code }).toEqual({ path, status: 401, code: 'UNAUTHENTICATED' });
    }
  });
});
