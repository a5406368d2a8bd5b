/** The only reader of `process.env`. One schema, documented; every mistake is listed at once, by variable name. */
import { z } from 'zod';

export interface Variable {
  name: string;
  /** What the generated pages print as the default; null: none. */
  default: string | null;
  /** One or two sentences for `docs/configuration.md` and `.env.example`. */
  doc: string;
  /** Never printed, not even in an error. */
  secret?: boolean;
  schema: z.ZodType;
}

const integer = (min: number, max: number) =>
  z.coerce
    .number({ error: `must be a whole number from ${min} to ${max}` })
    .int(`must be a whole number from ${min} to ${max}`)
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, { error: `must be one of ${values.join(', ')}` });
const listOf = <const T extends readonly string[]>(values: T) =>
  z
    .string()
    .transform((raw) => [
      ...new Set(
        raw
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean),
      ),
    ])
    .pipe(z.array(oneOf(values)).min(1, `must name at least one of ${values.join(', ')}`));
const url = (protocols: readonly string[]) =>
  z
    .string()
    .refine(
      (raw) => URL.canParse(raw) && protocols.includes(new URL(raw).protocol),
      `must be a URL starting with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    );
const filePath = z.string().min(1).max(4096);

const ROLES = ['api', 'whatsapp', 'worker'] as const;
const CHANNELS = ['baileys', 'cloud', 'simulator'] as const;

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** 32 bytes as 64 hex digits or base64; undefined when it is neither. */
function keyBytes(raw: string): Buffer | undefined {
  const bytes = /^[0-9a-f]{64}$/i.test(raw) ? Buffer.from(raw, 'hex') : Buffer.from(raw, 'base64');
  return bytes.length === 32 ? bytes : undefined;
}

/** Every variable this release reads, in the order of the generated documentation. */
export const variables = {
  NODE_ENV: {
    default: 'development',
    schema: oneOf(['development', 'test', 'production']),
    doc: '`production` turns off every fallback that could lose data and demands DATABASE_URL, API_KEY, ENCRYPTION_KEY, and ADMIN_* while there is no owner.',
  },
  PORT: { default: '3000', schema: integer(0, 65_535), doc: 'Port of API and console; 0 takes a free one.' },
  HOST: { default: null, schema: z.string().min(1).max(255), doc: 'Address to listen on: `0.0.0.0` in production, else `127.0.0.1`.' },
  PUBLIC_URL: { default: null, schema: url(['http:', 'https:']), doc: 'The address people see; needed behind a proxy for cookies and links.' },
  TRUST_PROXY: { default: '0', schema: integer(0, 10), doc: 'How many proxies stand before us and may be believed about the caller’s address.' },
  ROLES: { default: 'api,whatsapp,worker', schema: listOf(ROLES), doc: 'What this instance does.' },
  INSTANCE_NAME: {
    default: null,
    schema: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes or underscores'),
    doc: 'Labels this instance in metrics and logs; the host name when unset.',
  },
  DATABASE_URL: {
    default: null,
    secret: true,
    schema: url(['postgres:', 'postgresql:']),
    doc: 'PostgreSQL 14 or newer. In development, unset or unreachable: SQLite. In production, unset: refused; unreachable: retried, never a silent fallback.',
  },
  DATABASE_DIRECT_URL: {
    default: null,
    secret: true,
    schema: url(['postgres:', 'postgresql:']),
    doc: 'A connection around a transaction pooler, for migrations; DATABASE_URL when unset.',
  },
  DATABASE_POOL_MAX: { default: '10', schema: integer(1, 500), doc: 'Connections at most.' },
  DATABASE_SSL: { default: null, schema: oneOf(['disable', 'require', 'verify-full']), doc: '`require` in production for a non-local host, else `disable`.' },
  DATABASE_CA: { default: null, schema: filePath, doc: 'File with the certificate authority for `verify-full`.' },
  SQLITE_PATH: { default: './data/customers.db', schema: filePath, doc: 'The fallback’s file.' },
  REDIS_URL: {
    default: null,
    secret: true,
    schema: url(['redis:', 'rediss:']),
    doc: 'Redis 7 or newer. Unset or down: a bounded memory cache, and back to Redis by itself.',
  },
  API_KEY: {
    default: null,
    secret: true,
    schema: z.string().regex(/^[\x21-\x7e]{16,256}$/, 'must be 16 to 256 printable characters'),
    doc: 'The first API key, with every scope; a changed value replaces it. Generated and printed once in development.',
  },
  ENCRYPTION_KEY: {
    default: null,
    secret: true,
    schema: z.string().refine((raw) => keyBytes(raw) !== undefined, 'must be 32 bytes as 64 hex digits or base64'),
    doc: 'Encrypts secrets at rest: 32 bytes as 64 hex digits or base64. Demanded in production.',
  },
  ADMIN_EMAIL: {
    default: null,
    schema: z.email('must be an e-mail address').max(254),
    doc: 'The first console user (owner); `admin@caramelo.local` in development.',
  },
  ADMIN_PASSWORD: {
    default: null,
    secret: true,
    schema: z.string().min(10, 'must have at least 10 characters').max(256),
    doc: 'The first console user’s password; generated and printed once in development.',
  },
  WHATSAPP: { default: null, schema: listOf(CHANNELS), doc: '`simulator` in development, `baileys` in production; a list is allowed.' },
  TIMEZONE: {
    default: 'America/Sao_Paulo',
    schema: z.string().refine(isZone, 'must be a time zone such as America/Sao_Paulo'),
    doc: 'Used until the settings say otherwise.',
  },
  LOCALE: { default: 'pt-BR', schema: oneOf(['pt-BR']), doc: 'Language of the words to people.' },
  CACHE_TTL_PROFILES: { default: '3600', schema: integer(1, 86_400), doc: 'Seconds a cached profile lives.' },
  CACHE_TTL_CONTEXT: { default: '1800', schema: integer(1, 86_400), doc: 'Seconds a cached conversation lives.' },
  CACHE_TTL_MESSAGES: { default: '900', schema: integer(1, 86_400), doc: 'Seconds the recent messages of a conversation stay cached.' },
  CACHE_TTL_APPOINTMENTS: { default: '300', schema: integer(1, 86_400), doc: 'Seconds a tutor’s day of appointments, and catalogue lists, stay cached.' },
  RATE_LIMIT_PER_IP: { default: '3000', schema: integer(1, 100_000_000), doc: 'Requests a minute from one address.' },
  RATE_LIMIT_PER_USER: { default: '3000', schema: integer(1, 100_000_000), doc: 'Requests a minute from one API key or console user.' },
  LOG_LEVEL: {
    default: 'info',
    schema: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'silent']),
    doc: 'How much is logged. Phones, texts and secrets never are.',
  },
} as const satisfies Record<string, Omit<Variable, 'name'>>;

type Values = { [K in keyof typeof variables]: z.output<(typeof variables)[K]['schema']> | undefined };

/** What the rest of the server is told; made by `readConfig`. */
export interface Config {
  production: boolean;
  port: number;
  host: string;
  publicUrl: string | undefined;
  trustProxy: number;
  roles: readonly (typeof ROLES)[number][];
  instanceName: string | undefined;
  database: {
    url: string | undefined;
    directUrl: string | undefined;
    poolMax: number;
    ssl: 'disable' | 'require' | 'verify-full';
    caFile: string | undefined;
    sqlitePath: string;
  };
  redisUrl: string | undefined;
  apiKey: string | undefined;
  encryptionKey: Buffer | undefined;
  admin: { email: string | undefined; password: string | undefined };
  channels: readonly (typeof CHANNELS)[number][];
  timezone: string;
  locale: 'pt-BR';
  cacheTtl: { profiles: number; context: number; messages: number; appointments: number };
  rateLimit: { perIp: number; perUser: number };
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';
}

/** Names every variable that is wrong; secrets are never quoted. */
export class ConfigError extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(`The configuration has ${faults.length === 1 ? 'a mistake' : `${faults.length} mistakes`}:\n${faults.map((f) => `  ${f}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** Validates an environment. Throws ConfigError with every mistake at once. An empty value counts as unset. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(variables)) {
    const raw = env[name]?.trim() || variable.default;
    if (raw === null || raw === undefined) continue;
    const parsed = (variable.schema as z.ZodType).safeParse(raw);
    if (parsed.success) values[name] = parsed.data;
    else faults.push(`${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
  }
  const v = values as Values;
  const production = v.NODE_ENV === 'production';
  if (production) {
    // A variable that is present but wrong was named already.
    for (const name of ['DATABASE_URL', 'API_KEY', 'ENCRYPTION_KEY'] as const)
      if (!env[name]?.trim()) faults.push(`${name}: is required when NODE_ENV=production`);
  }
  if (Boolean(env['ADMIN_EMAIL']?.trim()) !== Boolean(env['ADMIN_PASSWORD']?.trim())) faults.push('ADMIN_EMAIL, ADMIN_PASSWORD: set both or neither');
  if (v.DATABASE_SSL === 'verify-full' && !v.DATABASE_CA) faults.push('DATABASE_CA: is required when DATABASE_SSL=verify-full');
  if (faults.length > 0) throw new ConfigError(faults);
  return assemble(v, production);
}

function assemble(v: Values, production: boolean): Config {
  const local = !v.DATABASE_URL || ['localhost', '127.0.0.1', '[::1]', '::1', ''].includes(new URL(v.DATABASE_URL).hostname);
  return {
    production,
    port: v.PORT!,
    host: v.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    publicUrl: v.PUBLIC_URL?.replace(/\/+$/, ''),
    trustProxy: v.TRUST_PROXY!,
    roles: v.ROLES!,
    instanceName: v.INSTANCE_NAME,
    database: {
      url: v.DATABASE_URL,
      directUrl: v.DATABASE_DIRECT_URL ?? v.DATABASE_URL,
      poolMax: v.DATABASE_POOL_MAX!,
      ssl: v.DATABASE_SSL ?? (production && !local ? 'require' : 'disable'),
      caFile: v.DATABASE_CA,
      sqlitePath: v.SQLITE_PATH!,
    },
    redisUrl: v.REDIS_URL,
    apiKey: v.API_KEY,
    encryptionKey: v.ENCRYPTION_KEY === undefined ? undefined : keyBytes(v.ENCRYPTION_KEY),
    admin: { email: v.ADMIN_EMAIL?.toLowerCase(), password: v.ADMIN_PASSWORD },
    channels: v.WHATSAPP ?? (production ? ['baileys'] : ['simulator']),
    timezone: v.TIMEZONE!,
    locale: v.LOCALE!,
    cacheTtl: { profiles: v.CACHE_TTL_PROFILES!, context: v.CACHE_TTL_CONTEXT!, messages: v.CACHE_TTL_MESSAGES!, appointments: v.CACHE_TTL_APPOINTMENTS! },
    rateLimit: { perIp: v.RATE_LIMIT_PER_IP!, perUser: v.RATE_LIMIT_PER_USER! },
    logLevel: v.LOG_LEVEL!,
  };
}

/** The process's environment with `.env` beneath it; real variables win. A missing file is no mistake. */
export function readEnvironment(): Record<string, string | undefined> {
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return process.env;
}
