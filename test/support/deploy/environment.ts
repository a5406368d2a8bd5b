/** What a deployment's file gives the server, held against what the server reads. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { variables } from '../../../server/app/config.ts';

/** The file as data, with YAML's merge keys followed. Throws on anything a strict reader would not take. */
export function readYaml<T>(file: string): T {
  const document = parseDocument(readFileSync(path.resolve(import.meta.dirname, '../../..', file), 'utf8'), { merge: true, strict: true, uniqueKeys: true });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) throw new Error(`${file}: ${faults.map(({ message }) => message).join('\n')}`);
  return document.toJS() as T;
}

/** Good values for what a person or the host fills in. */
export const SAMPLES: Readonly<Record<string, string>> = {
  POSTGRES_PASSWORD: 'letters0and1digits2only',
  API_KEY: 'bm90LWEtcmVhbC1rZXktYnV0LWxvbmctZW5vdWdoLTAxMjM=',
  ENCRYPTION_KEY: 'ab'.repeat(32),
  ADMIN_EMAIL: 'dona@clinica.test',
  ADMIN_PASSWORD: 'senha-da-dona-123',
};

export const isSecret = (name: string): boolean => name === 'POSTGRES_PASSWORD' || (name in variables && 'secret' in variables[name as keyof typeof variables]);

/** Names that the server would ignore. */
export function unknownTo(environment: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(environment).filter((name) => !(name in variables));
}
