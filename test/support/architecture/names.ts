/** Rules about names: the clinic's words, in their places. */
import { EDGES, KINDS, VAGUE } from './plan.ts';
import { finding, findings, type Rule, wordsOf } from './rule.ts';
import { isTestCode, placeOf, serverSources } from './tree.ts';

const KEBAB = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const VAGUE_WORDS = new Set(VAGUE.flatMap((word) => [word, `${word}s`]));

function vagueWord(name: string): string | undefined {
  const word = wordsOf(name).find((one) => VAGUE_WORDS.has(one));
  return word && `"${word}" in ${name} says nothing`;
}

/** What is wrong with a module file's path below the module's folder. */
function misnamed(below: string): string | undefined {
  const folders = below.split('/');
  const file = folders.pop()!;
  if (!folders.every((folder) => KEBAB.test(folder))) return 'its folder is not kebab-case';
  const [stem, kind, ...more] = file.replace(/\.ts$/, '').split('.');
  if (!KEBAB.test(stem!)) return 'its name is not kebab-case';
  if (/\.(test|contract|fixtures)\.ts$/.test(file) || kind === undefined) return undefined;
  return more.length > 0 || stem === 'index' || !KINDS.includes(kind) ? `.${[kind, ...more].join('.')} is no kind of module file` : undefined;
}

export const names: Rule[] = [
  {
    name: 'server holds main.ts, app, modules, channels and platform; modules are the clinic’s nouns',
    remedy: 'put the file where it belongs; a new module gets a line in EDGES and in docs/architecture.md',
    find: (tree) =>
      serverSources(tree).flatMap((source) => {
        const { layer, folder } = placeOf(source.path);
        if (layer === 'unknown') return [finding(source, 1, 'stands outside the plan')];
        return layer === 'modules' && !(folder! in EDGES) ? [finding(source, 1, `module ${folder} has no edges`)] : [];
      }),
  },
  {
    name: 'a module’s files are of the known kinds',
    remedy: `call it index.ts, x.{${KINDS.join(',')}}.ts, or give a pure idea its own name (availability.ts); split by noun or verb, not by suffix`,
    find: (tree) =>
      [...tree.sources.values()].flatMap((source) => {
        const below = /^server\/modules\/[^/]+\/(.+)$/.exec(source.path)?.[1];
        const what = below && misnamed(below);
        return what ? [finding(source, 1, what)] : [];
      }),
  },
  {
    name: 'no file or export has a name that says nothing',
    remedy: `say what it does; ${VAGUE.join(', ')} are not answers`,
    find: (tree) =>
      [...tree.sources.values()].flatMap((source) => {
        const inPath = vagueWord(source.path);
        return [...(inPath ? [finding(source, 1, inPath)] : []), ...findings(source, source.exports, vagueWord)];
      }),
  },
  {
    name: 'WhatsApp’s addresses (jid, remoteJid, lid) stay inside channels/whatsapp-*',
    remedy: 'let the channel translate: modules know a channel kind and an address',
    find: (tree) =>
      serverSources(tree).flatMap((source) => {
        if (source.path.startsWith('server/channels/whatsapp-')) return [];
        return findings(source, [...source.names, ...source.strings], (text) => {
          const word = wordsOf(text).find((one) => one === 'jid' || one === 'lid');
          return word && `speaks of a ${word}`;
        });
      }),
  },
  {
    name: 'modules do not ask which engine they run on',
    remedy: 'name the difference in platform/db/dialect.ts and use its name',
    find: (tree) =>
      serverSources(tree).flatMap((source) =>
        placeOf(source.path).layer === 'modules'
          ? findings(source, source.strings, (text) => (/^(sqlite|postgresql|postgres)$/i.test(text) ? `knows ${text}` : undefined))
          : [],
      ),
  },
  {
    name: 'the time is asked only of platform/clock.ts',
    remedy: 'take a Clock, or ctx.now; convert with instantOf and msOf',
    find: (tree) =>
      serverSources(tree).flatMap((source) =>
        source.path === 'server/platform/clock.ts'
          ? []
          : findings(source, source.uses, (text) => (/^(Date\.now|new Date|Temporal\.Now)$/.test(text) ? text : undefined)),
      ),
  },
  {
    name: 'process.env is read only by app/config.ts',
    remedy: 'declare the variable in app/config.ts and take the value as an argument',
    find: (tree) =>
      serverSources(tree).flatMap((source) => {
        if (source.path === 'server/app/config.ts') return [];
        const imported = source.imports.filter(({ specifier, values }) => specifier === 'node:process' && values.includes('env'));
        return [
          ...imported.map(({ line }) => finding(source, line, 'imports env')),
          ...findings(source, source.uses, (text) => (/^(globalThis\.)?process\.env$/.test(text) ? text : undefined)),
        ];
      }),
  },
  {
    name: 'no test is left out, alone or to do, except by skipAloud',
    remedy: 'delete it, mend it, or call skipAloud(ctx, reason) for something the machine lacks',
    find: (tree) =>
      [...tree.sources.values()].flatMap((source) => {
        if (!isTestCode(source.path) || source.path === 'test/support/skip-aloud.ts') return [];
        return findings(source, source.uses, (text) =>
          /^(test|it|describe|suite|ctx|context|task|t)\b.*[.{](skip|only|todo|skipIf|runIf|fails)\b/.test(text) ? text : undefined,
        );
      }),
  },
];
