import { AppError } from '#platform/errors';
import type { Config } from './config.ts';
import type { FirstAccess } from './serve.ts';

export interface Announced {
  config: Config;
  db: { engine: string };
  url: string;
}

/** What a person at the terminal is told once the server is ready: where to go, and with what. Secrets only when they were just made. */
export function announce(app: Announced, access: FirstAccess): void {
  const { config, db } = app;
  if (config.production) return;
  const address = config.publicUrl ?? app.url;
  const key = access.generatedApiKey;
  const lines = [
    '',
    '  Caramelo está pronto 🐾',
    `  Endereço      ${address}`,
    `  API           ${address}/api/docs`,
    `  Banco         ${db.engine === 'sqlite' ? `SQLite (${config.database.sqlitePath})` : 'PostgreSQL'}`,
    ...(access.email ? [`  Conta         ${access.email}`] : []),
    ...(access.generatedPassword ? [`  Senha         ${access.generatedPassword}   (mostrada só agora)`] : []),
    ...keyLines(key, config.apiKey !== undefined, address),
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function keyLines(made: string | undefined, configured: boolean, address: string): string[] {
  if (made !== undefined) return [`  Chave de API  ${made}   (mostrada só agora)`, '', `  Experimente   curl -H "x-api-key: ${made}" ${address}/api/services`];
  return configured ? [] : ['  Chave de API  a de antes   (perdeu? comece com API_KEY=… e ela vale no lugar da antiga)'];
}

/** Why it did not start, in a line where the reason is an ordinary one; a bug keeps its stack. */
export function explain(error: unknown): unknown {
  if (error instanceof AppError) return `${error.message} (${error.code})`;
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is in use; choose another one with PORT=…`;
  if (code === 'EACCES') return `Port ${port} may not be used by this user; choose another one with PORT=…`;
  return error;
}
