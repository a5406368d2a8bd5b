/** What the suites about sessions share: people who log in, and what their browsers do. */
import { type Answer, createCall, type TestApp } from '../../../test/support/app.ts';

export const EMAIL = 'dona@clinica.test';
export const PASSWORD = 'senha-da-dona-123';
/** So that a test chooses the address it comes from. */
export const PROXY = { env: { TRUST_PROXY: '1' } };

let lastAddress = 0;
/** An address nobody used before, so that no test uses up another's guesses. */
export const newAddress = () => `203.0.${++lastAddress >> 8}.${lastAddress & 255}`;

export interface LoginInput {
  email?: string;
  password?: string;
  ip?: string;
  headers?: Record<string, string>;
}

export function logIn(app: TestApp, { email = EMAIL, password = PASSWORD, ip = newAddress(), headers = {} }: LoginInput = {}): Promise<Answer> {
  return app.call('POST', '/api/auth/login', { email, password }, { 'x-api-key': '', 'x-forwarded-for': ip, ...headers });
}

/** What a browser would send back. */
export const cookieOf = (answer: Answer) => answer.headers.get('set-cookie')!.split(';')[0]!;

/** Calls as the console does: with the cookie, from our own origin. */
export function asBrowser(app: TestApp, cookie: string) {
  const call = createCall(app.url, '');
  return (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    call(method, path, body, { cookie, origin: app.url, ...headers });
}

/** Answers the new user's id. */
export async function addUser(app: TestApp, email: string, role = 'attendant'): Promise<string> {
  const made = await app.call('POST', '/api/users', { email, name: 'Pessoa', role, password: PASSWORD });
  if (made.status !== 201) throw new Error(`no user: ${made.text}`);
  return made.body.data.id as string;
}
