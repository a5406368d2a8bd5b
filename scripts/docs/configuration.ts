/** `.env.example` and `docs/configuration.md`, from the variables the server really reads. */
import { z } from 'zod';
import { type Variable, variables } from '../../server/app/config.ts';
import { code, NOTICE, page, table } from './markdown.ts';

type Name = keyof typeof variables;

/** Where each variable is shown. One that stands in no group, or in two, stops the generator. */
const groups: Record<string, readonly Name[]> = {
  'The process': ['NODE_ENV', 'PORT', 'HOST', 'PUBLIC_URL', 'TRUST_PROXY', 'ROLES', 'INSTANCE_NAME', 'LOG_LEVEL'],
  Database: ['DATABASE_URL', 'DATABASE_DIRECT_URL', 'DATABASE_POOL_MAX', 'DATABASE_SSL', 'DATABASE_CA', 'SQLITE_PATH'],
  Cache: ['REDIS_URL', 'CACHE_TTL_PROFILES', 'CACHE_TTL_CONTEXT', 'CACHE_TTL_MESSAGES', 'CACHE_TTL_APPOINTMENTS'],
  'Access and secrets': ['API_KEY', 'ENCRYPTION_KEY', 'ADMIN_EMAIL', 'ADMIN_PASSWORD', 'RATE_LIMIT_PER_IP', 'RATE_LIMIT_PER_USER'],
  'The clinic': ['WHATSAPP', 'TIMEZONE', 'LOCALE'],
};

interface Group {
  title: string;
  members: readonly Variable[];
}

function grouped(): Group[] {
  const all: Record<string, Omit<Variable, 'name'>> = variables;
  const shown = Object.values(groups).flat();
  const wrong = [...Object.keys(all).filter((name) => !shown.includes(name as Name)), ...shown.filter((name, i) => shown.indexOf(name) !== i)];
  if (wrong.length > 0) throw new Error(`scripts/docs/configuration.ts: put ${wrong.join(', ')} into exactly one group`);
  return Object.entries(groups).map(([title, names]) => ({ title, members: names.map((name) => ({ name, ...all[name]! })) }));
}

interface JsonSchema {
  type?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  items?: JsonSchema;
}

/** What may be given, where the schema itself says it in a few words. */
function accepted(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as JsonSchema;
  if (json.enum) return json.enum.map(code).join(', ');
  if (json.items?.enum) return `a list with commas of ${json.items.enum.map(code).join(', ')}`;
  if (json.type === 'integer') return `${json.minimum} to ${json.maximum}`;
  return '';
}

export function configurationPage(): string {
  const sections = grouped().flatMap(({ title, members }) => [
    `## ${title}`,
    table(
      ['variable', 'default', 'accepted', 'meaning'],
      members.map((one) => [code(one.name) + (one.secret ? ' 🔒' : ''), one.default === null ? '' : code(one.default), accepted(one.schema), one.doc]),
    ),
  ]);
  return page(
    '# Configuration',
    NOTICE,
    'Everything the server reads from its environment. `.env` in the working folder is read when it is there; real variables win over it; an empty value counts as unset. ' +
      'The values are checked at start: every mistake is listed at once by the variable’s name, and the process exits with 1. ' +
      'Nothing has to be set in development. 🔒 marks secrets: their values are never printed, not even in an error.',
    ...sections,
    '## Checked together',
    '- `NODE_ENV=production` demands `DATABASE_URL`, `API_KEY` and `ENCRYPTION_KEY`, and `ADMIN_EMAIL` with `ADMIN_PASSWORD` while the database holds no owner.\n' +
      '- `ADMIN_EMAIL` and `ADMIN_PASSWORD` are set both or neither.\n' +
      '- `DATABASE_SSL=verify-full` demands `DATABASE_CA`.',
  );
}

const WIDTH = 110;

export function environmentExample(): string {
  const lines = [
    '# Copy to .env and set what you need; nothing is needed in development.',
    '# Written by `npm run docs` from the same list the server checks; see docs/configuration.md.',
  ];
  for (const { title, members } of grouped()) {
    lines.push('', `# --- ${title} ---`);
    for (const one of members) lines.push('', ...comment(one), `#${one.name}=${one.default ?? ''}`);
  }
  return `${lines.join('\n')}\n`;
}

function comment(variable: Variable): string[] {
  const words = `${variable.doc.replaceAll('`', '')}${variable.secret ? ' (secret)' : ''}`.split(' ');
  const lines: string[] = [];
  let line = '#';
  for (const word of words) {
    if (line.length + word.length >= WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
