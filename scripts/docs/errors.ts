/** The error catalogue, read from where its entries are declared: `defineError({ code, status, message })`. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface CatalogueError {
  code: string;
  status: number;
  message: string;
  /** Said at the terminal, by a command or at start; never answered to a call. */
  printed: boolean;
}

const PRINTED = /^server\/(app\/database\.ts$|modules\/accounts\/accounts\.errors\.ts$|platform\/db\/backup\/)/;

const DECLARED = /\bdefineError\(\{\s*code:\s*'([A-Z_]+)',\s*status:\s*(\d{3}),\s*message:\s*(['"`])((?:\\.|(?!\3).)*)\3/gs;

/** By status and code. Throws when a declaration is written so that it cannot be read here. */
export function readErrors(root: string): CatalogueError[] {
  const errors: CatalogueError[] = [];
  for (const file of globSync('server/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] }).sort()) {
    const text = readFileSync(path.join(root, file), 'utf8');
    const printed = PRINTED.test(file.replaceAll('\\', '/'));
    const read = [...text.matchAll(DECLARED)].map((match) => ({
      code: match[1]!,
      status: Number(match[2]),
      message: match[4]!.replaceAll(/\\(.)/g, '$1'),
      printed,
    }));
    const written = text.match(/\bdefineError\(\{/g)?.length ?? 0;
    if (read.length !== written) throw new Error(`${file}: write defineError({ code: '…', status: …, message: '…' }) in this order, with literals`);
    errors.push(...read);
  }
  return errors.sort((a, b) => a.status - b.status || (a.code < b.code ? -1 : 1));
}
