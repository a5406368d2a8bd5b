/** What only the text of a `create table` knows: comments and checks. */

export interface ColumnNote {
  comment: string;
  /** What is inside the column's `check (…)`. */
  check: string;
}

/** By column; the checks of the table as a whole stand under ''. */
export function columnNotes(text: string): Map<string, ColumnNote> {
  const notes = new Map<string, ColumnNote>();
  for (const item of items(text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')))) {
    const comment = [...item.matchAll(/^\s*--\s*(.*)$/gm)].map((match) => match[1]!.trim()).join(' ');
    const words = item.replaceAll(/^\s*--.*$/gm, '').trim();
    const name = /^\w+/.exec(words)?.[0] ?? '';
    const check = inside(words, /\bcheck\s*\(/i);
    if (/^(primary|unique|foreign|constraint)$/i.test(name)) continue;
    if (name.toLowerCase() !== 'check') notes.set(name, { comment, check });
    else notes.set('', { comment: '', check: [notes.get('')?.check, check].filter(Boolean).join('; ') });
  }
  return notes;
}

/** Cuts at the commas that stand in no bracket, text or comment. */
function items(body: string): string[] {
  const found = [''];
  let depth = 0;
  for (const [piece] of body.matchAll(/--[^\n]*|'[^']*'|[\s\S]/g)) {
    if (piece === '(') depth++;
    if (piece === ')') depth--;
    if (piece === ',' && depth === 0) found.push('');
    else found[found.length - 1] += piece;
  }
  return found;
}

/** What stands between the bracket that `opening` ends with and its partner. */
function inside(text: string, opening: RegExp): string {
  const match = opening.exec(text);
  if (!match) return '';
  const start = match.index + match[0].length;
  let depth = 1;
  let at = start;
  while (at < text.length && depth > 0) {
    if (text[at] === '(') depth++;
    if (text[at] === ')') depth--;
    at++;
  }
  return text
    .slice(start, at - 1)
    .replaceAll(/\s+/g, ' ')
    .trim();
}
