import type { At, Source } from './source.ts';
import type { Tree } from './tree.ts';

/** Something the plan forbids: `server/x.ts:12` and what is there. */
export interface Finding {
  where: string;
  what: string;
}

export interface Rule {
  /** What always holds, as a sentence. */
  name: string;
  /** What to do when it does not. */
  remedy: string;
  find(tree: Tree): Finding[];
}

export function finding(source: Pick<Source, 'path'>, line: number, what: string): Finding {
  return { where: `${source.path}:${line}`, what };
}

/** Each of `found` that `wrong` speaks about, with what it says. */
export function findings(source: Source, found: readonly At[], wrong: (text: string) => string | undefined): Finding[] {
  return found.flatMap(({ text, line }) => {
    const what = wrong(text);
    return what === undefined ? [] : [finding(source, line, what)];
  });
}

/** `remoteJid` → remote, jid. */
export function wordsOf(text: string): string[] {
  return (text.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []).map((word) => word.toLowerCase());
}
