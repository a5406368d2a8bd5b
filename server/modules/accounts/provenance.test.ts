import { describe, expect, test } from 'vitest';
import { isForeign, type Provenance } from './provenance.ts';

const host = 'clinica.test:3000';
const table: [string, Provenance, 'ours' | 'foreign'][] = [
  ['our own page', { origin: 'http://clinica.test:3000', host }, 'ours'],
  ['our own page over TLS before a proxy', { origin: 'https://clinica.test', host: 'clinica.test' }, 'ours'],
  ['a default port that a proxy wrote out', { origin: 'https://clinica.test', host: 'clinica.test:443' }, 'ours'],
  ['another spelling of the host', { origin: 'http://Clinica.TEST:3000', host }, 'ours'],
  ['the browser says same origin', { secFetchSite: 'same-origin', host }, 'ours'],
  [
    'the browser says same origin behind a proxy that rewrites Host',
    { secFetchSite: 'same-origin', origin: 'https://clinica.test', host: '10.0.0.5:3000' },
    'ours',
  ],
  ['typed into the address bar', { secFetchSite: 'none', host }, 'ours'],
  ['another site', { origin: 'https://evil.test', host }, 'foreign'],
  ['another port of our host', { origin: 'http://clinica.test:8080', host }, 'foreign'],
  ['a host that begins like ours', { origin: 'http://clinica.test.evil.test:3000', host }, 'foreign'],
  ['a host that ends like ours', { origin: 'http://evilclinica.test:3000', host }, 'foreign'],
  ['our host as a user name', { origin: 'http://clinica.test:3000@evil.test', host }, 'foreign'],
  ['our host in a path', { origin: 'http://evil.test/clinica.test:3000', host }, 'foreign'],
  ['a sandboxed page', { origin: 'null', host }, 'foreign'],
  ['an empty origin', { origin: '', host }, 'foreign'],
  ['a file', { origin: 'file://', host }, 'foreign'],
  ['an extension', { origin: 'chrome-extension://abcdef', host }, 'foreign'],
  ['no host to compare with', { origin: 'http://clinica.test:3000' }, 'foreign'],
  ['a host that is none', { origin: 'http://clinica.test:3000', host: ' ' }, 'foreign'],
  ['the browser says cross site', { secFetchSite: 'cross-site', host }, 'foreign'],
  ['the browser says cross site whatever the origin', { secFetchSite: 'cross-site', origin: 'http://clinica.test:3000', host }, 'foreign'],
  ['a neighbouring host', { secFetchSite: 'same-site', host }, 'foreign'],
  ['a word the browser does not have', { secFetchSite: 'SAME-ORIGIN', host }, 'foreign'],
  ['nothing said, so no browser', { host }, 'ours'],
];

describe('where a request comes from', () => {
  test.each(table)('%s', (_what, request, expected) => {
    expect(isForeign(request)).toBe(expected === 'foreign');
  });
});
