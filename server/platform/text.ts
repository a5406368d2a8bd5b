const MAX_MARKS = 4;

// Controls that are not white space, halves of surrogate pairs, and the sign of a character that was lost before.
const BROKEN = String.raw`[\0-\x08\x0E-\x1F\x7F-\x84\x86-\x9F\uFFFD]|\p{Cs}`;
// Zero-width, bidi, filler and tag characters; variation selectors are invisible too, but choose what is seen.
const INVISIBLE = String.raw`(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}|[\uFFF9-\uFFFB]`;
// Where the joiner and the tags draw something: between two emoji, and in the flags of regions. Tags are kept that
// short because a longer run can carry a hidden text to a language model.
const EMOJI_JOINER = String.raw`(?<=\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?)\u200D(?=\p{Extended_Pictographic})`;
const REGION_FLAG = String.raw`\u{1F3F4}[\u{E0030}-\u{E0039}\u{E0061}-\u{E007A}]{4,6}\u{E007F}`;

const UNSEEN = new RegExp(`(${EMOJI_JOINER}|${REGION_FLAG})|${BROKEN}|${INVISIBLE}`, 'gu');
const UNMATCHED = new RegExp(String.raw`${BROKEN}|\p{M}|\p{Cf}|\p{Default_Ignorable_Code_Point}`, 'gu');
const MARK_FLOOD = new RegExp(String.raw`(\p{M}{${MAX_MARKS}})\p{M}+`, 'gu');
// Not \s: that takes the byte order mark for a space and does not know U+0085.
const WHITE_SPACE = /\p{White_Space}+/gu;
const LINE_BREAK = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g;
const LINE_SPACE = /[\p{Zs}\t]+/gu;
// Each code unit of these is one grapheme: nothing below U+0300 combines, and CR (which joins LF) is not among them.
const ONE_UNIT_GRAPHEMES = /^[\n\x20-\x7E\u00A0-\u02FF]*$/;

const segmenter = new Intl.Segmenter('pt-BR', { granularity: 'grapheme' });

function capMarks(text: string): string {
  return text.replace(MARK_FLOOD, '$1');
}

// NFC comes after the removal, because what stood between a letter and its accent may just have gone.
function clean(text: string): string {
  return capMarks(text.replace(UNSEEN, '$1').normalize('NFC'));
}

/**
 * The form to search and compare by: lower case without accents or any other mark, without invisible and control
 * characters, white space as single spaces, trimmed. `fold('  Ração\u00A0PREMIUM ') === 'racao premium'`.
 */
export function fold(text: string): string {
  // Lower case first: for some letters it brings marks of its own. A final sigma depends on what follows it.
  const lower = text.toLowerCase().replaceAll('ς', 'σ');
  return lower.normalize('NFD').replace(UNMATCHED, '').replace(WHITE_SPACE, ' ').trim();
}

/**
 * One line of human text, fit to store and to show: NFC, no control, zero-width or bidi characters (emoji sequences
 * stay whole), no halves of surrogate pairs, at most four combining marks in a row, white space and line breaks as
 * single spaces, trimmed. Look-alike letters are left alone. Idempotent, never throws; may return ''.
 */
export function cleanLine(text: string): string {
  return clean(text).replace(WHITE_SPACE, ' ').trim();
}

/** As `cleanLine`, but line breaks stay, as LF and with at most two blank lines in a row; tabs become spaces. */
export function cleanText(text: string): string {
  return clean(text)
    .replace(LINE_BREAK, '\n')
    .replace(LINE_SPACE, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{4,}/g, '\n\n\n')
    .trim();
}

/** Length as a reader counts it: an emoji family, a flag or a letter with its accents is one. */
export function graphemes(text: string): number {
  if (ONE_UNIT_GRAPHEMES.test(text)) return text.length;
  let count = 0;
  for (const _ of segmenter.segment(text)) count += 1;
  return count;
}
