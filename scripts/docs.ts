/**
 * `npm run docs`: writes what is documented from the code itself: configuration, schema and API.
 * `npm run docs -- --check`: changes nothing, names the files that are stale, and exits 1 when there are any.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { generatedPages, stalePages } from './docs/pages.ts';

const root = path.resolve(import.meta.dirname, '..');
const pages = await generatedPages(root);
const stale = stalePages(root, pages);

if (process.argv.includes('--check')) {
  for (const file of stale) console.error(`stale: ${file}`);
  if (stale.length > 0) console.error('Run "npm run docs" and commit what it writes.');
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const file of stale) {
    writeFileSync(path.join(root, file), pages.get(file)!);
    console.log(`wrote ${file}`);
  }
  if (stale.length === 0) console.log('the generated pages are fresh');
}
