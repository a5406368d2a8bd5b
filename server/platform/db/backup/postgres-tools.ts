/** PostgreSQL's own programs, told where to connect by their environment: nothing secret stands on a command line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { AppliedMigration } from '../migrate.ts';
import { type BackupContents, backupFailed } from './backup-file.ts';

export interface PostgresToolsOptions {
  url: string;
  ssl: 'disable' | 'require' | 'verify-full';
  caFile?: string | undefined;
  /** The environment the programs are found and run in. */
  env: Readonly<Record<string, string | undefined>>;
}

export type PostgresTool = 'pg_dump' | 'pg_restore';

export interface PostgresTools {
  /** The program's major version. Throws BACKUP_FAILED when it is not installed. */
  major(tool: PostgresTool): Promise<number>;
  /** Runs a program. Throws BACKUP_FAILED with the first thing it complained about. */
  run(tool: PostgresTool, args: readonly string[]): Promise<void>;
  /** Reads a whole dump without any server. Throws BACKUP_FAILED when it is none, or cut off. */
  read(file: string): Promise<BackupContents>;
}

export function createPostgresTools(options: PostgresToolsOptions): PostgresTools {
  const env = { ...options.env, ...connection(options) };

  async function start(tool: PostgresTool, args: readonly string[], onOutput: (chunk: Buffer) => void): Promise<void> {
    const child = spawn(tool, args, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    child.stdout.on('data', onOutput);
    const [complaints, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause;
      throw backupFailed({ message: `${tool} was not found: install PostgreSQL's client programs, of the server's major version or newer.`, cause });
    });
    if (code !== 0) throw backupFailed({ message: `${tool} failed: ${firstComplaint(complaints) || `exit ${code}`}` });
  }

  return {
    async major(tool) {
      let said = '';
      await start(tool, ['--version'], (chunk) => (said += chunk.toString()));
      return Number(/\b(\d+)(?:\.\d+|devel|beta|rc)/.exec(said)?.[1] ?? 0);
    },
    run: (tool, args) => start(tool, args, () => undefined),
    async read(file) {
      const reader = createDumpReader();
      await start('pg_restore', ['--data-only', '--schema=public', '--file=-', file], reader.add);
      return reader.contents();
    },
  };
}

/** The later lines of a complaint may quote people's rows. */
function firstComplaint(complaints: string): string {
  const lines = complaints.split('\n');
  return (lines.find((line) => /\b(error|fatal):/i.test(line)) ?? lines.find((line) => line.trim() !== '') ?? '').trim();
}

function connection({ url, ssl, caFile }: PostgresToolsOptions): Record<string, string | undefined> {
  const parsed = new URL(url);
  const asked = parsed.searchParams.get('sslmode');
  const given = (value: string | null | undefined) => (value ? decodeURIComponent(value) : undefined);
  return {
    PGHOST: given(parsed.searchParams.get('host') ?? parsed.hostname.replaceAll(/[[\]]/g, '')),
    PGPORT: given(parsed.port),
    PGUSER: given(parsed.username),
    PGPASSWORD: given(parsed.password),
    PGDATABASE: given(parsed.pathname.slice(1)),
    // `no-verify` is node-postgres's word.
    PGSSLMODE: asked === 'no-verify' ? 'require' : (asked ?? ssl),
    PGSSLROOTCERT: given(caFile),
    PGAPPNAME: 'caramelo backup',
    PGCONNECT_TIMEOUT: '10',
    PGSERVICE: undefined,
    PGHOSTADDR: undefined,
  };
}

const NEWLINE = 10;
const HEADER = /^COPY (?:public|"public")\."?([^"\s]+)"? \((.*)\) FROM stdin;$/;

/** Counts the rows of each table in the text of a dump's data, chunk by chunk; only the migrations' rows are looked into. */
function createDumpReader() {
  const rows = new Map<string, number>();
  const migrations: AppliedMigration[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let table: { name: string; columns: string[]; rows: number } | undefined;

  function line(from: Buffer): void {
    if (table === undefined) {
      const header = HEADER.exec(from.toString());
      if (header) table = { name: header[1]!, columns: header[2]!.split(', ').map((column) => column.replaceAll('"', '')), rows: 0 };
    } else if (from.length === 2 && from.toString() === '\\.') {
      rows.set(table.name, table.rows);
      table = undefined;
    } else {
      table.rows++;
      if (table.name === 'schema_migrations') migrations.push(migrationOf(table.columns, from.toString().split('\t')));
    }
  }

  return {
    add(chunk: Buffer): void {
      const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = all.indexOf(NEWLINE); end !== -1; end = all.indexOf(NEWLINE, from)) {
        line(all.subarray(from, end));
        from = end + 1;
      }
      rest = all.subarray(from);
    },
    contents: (): BackupContents => ({ rows, migrations }),
  };
}

function migrationOf(columns: readonly string[], values: readonly string[]): AppliedMigration {
  const value = (column: string) => values[columns.indexOf(column)];
  return { number: Number(value('number')), checksum: value('checksum') ?? '', previous_runs: value('previous_runs') === 't' };
}
