/** The documentation says what the code does: generated pages are fresh, links lead somewhere, and the first steps really work. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readErrors } from '../scripts/docs/errors.ts';
import { generatedPages, stalePages } from '../scripts/docs/pages.ts';
import { startApp, TEST_KEY, type TestApp } from './support/app.ts';
import { skipAloud } from './support/skip-aloud.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8').replaceAll('\r\n', '\n');
const bashBlocks = (file: string) => [...read(file).matchAll(/^```bash\n(.*?)^```$/gms)].map((match) => match[1]!);

describe('generated pages', () => {
  let pages: Map<string, string>;
  beforeAll(async () => {
    pages = await generatedPages(root);
  });

  test('are fresh (else: npm run docs)', () => {
    expect([...pages.keys()]).toEqual(['.env.example', 'docs/configuration.md', 'docs/schema.md', 'docs/api.md']);
    expect(stalePages(root, pages)).toEqual([]);
  });

  test('a page that differs or is missing is named', () => {
    const other = new Map([...pages, ['docs/api.md', 'something else\n'], ['docs/not-there.md', '']]);
    expect(stalePages(root, other)).toEqual(['docs/api.md', 'docs/not-there.md']);
  });

  test('say the same whenever they are made', async () => {
    expect(await generatedPages(root)).toEqual(pages);
  });
});

describe('pages written by hand', () => {
  const pages = globSync(['*.md', 'docs/*.md'], { cwd: root });

  test('lead only to files that are there', () => {
    const dead = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map((match) => path.join(path.dirname(page), match[1]!))
        .filter((target) => !existsSync(path.join(root, target))),
    );
    expect(dead).toEqual([]);
  });

  test('the contract names every error code a caller may meet', () => {
    const contract = read('docs/contract.md');
    expect(
      readErrors(root)
        .filter((error) => !error.printed)
        .map((error) => error.code)
        .filter((code) => !contract.includes(`\`${code}\``)),
    ).toEqual([]);
  });

  test('the contract names every resource that answers', () => {
    const contract = read('docs/contract.md');
    const resources = new Set([...read('docs/api.md').matchAll(/^## (\/\S+)$/gm)].map((match) => match[1]!));
    expect(resources.size).toBeGreaterThan(10);
    expect([...resources].filter((resource) => !contract.includes(resource))).toEqual([]);
  });
});

describe('the first steps of the README', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ engine: 'sqlite', cache: 'memory' }, { demo: true });
  });
  afterAll(() => app.close());

  test('are the same in both languages', () => {
    expect(bashBlocks('README.md')).toHaveLength(1);
    expect(bashBlocks('README.pt-BR.md')).toEqual(bashBlocks('README.md'));
  });

  test('work when pasted, twice', async (ctx) => {
    for (const tool of ['bash', 'curl']) await run(tool, ['--version']).catch(() => skipAloud(ctx, `no ${tool} on this machine`));
    const env = { ...process.env, URL: app.url, KEY: TEST_KEY, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}` };
    for (const visits of [1, 2]) {
      // Without start-up files: a shell whose input is a socket takes itself for a login and reads the machine's.
      const { stdout, stderr } = await run('bash', ['--noprofile', '--norc', '-euo', 'pipefail', '-c', bashBlocks('README.md')[0]!], { env });
      expect(stderr).toBe('');
      expect(stdout.toLowerCase()).toContain('x-cache: hit');
      const answers = stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
      expect(answers.map((answer) => answer.success)).toEqual([true, true, true, true]);
      const [services, times, appointment, customer] = answers.map((answer) => answer.data);
      expect(services.map((service: { name: string }) => service.name)).toContain('Banho');
      expect(times).toHaveLength(3);
      expect(appointment).toMatchObject({ status: 'scheduled', tutor_name: 'Ana Souza', pet_name: 'Caramelo', starts_at: times[0].starts_at });
      expect(customer).toMatchObject({ name: 'Ana Souza', pets: [{ name: 'Caramelo' }], next_visits: [{ id: appointment.id }] });
      const booked = await app.call('GET', '/api/appointments');
      expect(booked.body.data).toHaveLength(visits);
    }
  });
});
