import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanLine, cleanText, fold, graphemes } from './text.ts';

const ACUTE = '\u0301';
const FAMILY = '👨\u200D👩\u200D👧\u200D👦';
const SCOTLAND = '🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}';
const hidden = (text: string): string => [...text].map((c) => String.fromCodePoint(0xe0000 + c.charCodeAt(0))).join('');

const LINES: [what: string, input: string, clean: string][] = [
  ['nothing', '', ''],
  ['plain text', 'Rex', 'Rex'],
  ['accents', 'Pão de Açúcar', 'Pão de Açúcar'],
  ['decomposed accents', `Pa\u0303o, cafe${ACUTE}`, 'Pão, café'],
  ['an accent behind a zero-width space', `caf\u0065\u200B${ACUTE}`, 'café'],
  ['spaces around', '  Rex  ', 'Rex'],
  ['spaces inside', 'banho   e  tosa', 'banho e tosa'],
  ['only spaces', ' \t\n ', ''],
  ['a tab', 'banho\ttosa', 'banho tosa'],
  ['a line break', 'banho\ntosa', 'banho tosa'],
  ['a Windows line break', 'banho\r\ntosa', 'banho tosa'],
  ['vertical tab and form feed', 'a\vb\fc', 'a b c'],
  ['next line (C1)', 'a\u0085b', 'a b'],
  ['line and paragraph separators', 'a\u2028b\u2029c', 'a b c'],
  ['a no-break space', 'R$\u00A060', 'R$ 60'],
  ['a narrow no-break space', 'R$\u202F60', 'R$ 60'],
  ['an ideographic space', 'a\u3000b', 'a b'],
  ['an en quad', 'a\u2000b', 'a b'],
  ['NUL', 'Re\u0000x', 'Rex'],
  ['bell, backspace and escape', 'R\u0007e\u0008x\u001B[31m', 'Rex[31m'],
  ['unit separators', 'a\u001C\u001D\u001E\u001Fb', 'ab'],
  ['delete', 'Re\u007Fx', 'Rex'],
  ['C1 controls', 'R\u0080e\u009Bx', 'Rex'],
  ['a byte order mark', '\uFEFFRex', 'Rex'],
  ['a byte order mark inside', 'Re\uFEFFx', 'Rex'],
  ['a zero-width space', 'Re\u200Bx', 'Rex'],
  ['a zero-width non-joiner', 'Re\u200Cx', 'Rex'],
  ['a zero-width joiner between letters', 'Re\u200Dx', 'Rex'],
  ['a word joiner and invisible operators', 'R\u2060e\u2061\u2062\u2063\u2064x', 'Rex'],
  ['a soft hyphen', 'vaci\u00ADna', 'vacina'],
  ['a combining grapheme joiner', 'Re\u034Fx', 'Rex'],
  ['a Mongolian vowel separator', 'Re\u180Ex', 'Rex'],
  ['Hangul fillers', '\u115F\u1160\u3164\uFFA0Rex', 'Rex'],
  ['only invisible characters', '\u200B\u2060\u3164\uFEFF', ''],
  ['interlinear annotation', 'a\uFFF9b\uFFFAc\uFFFBd', 'abcd'],
  ['the right-to-left override', 'PIX \u202E00,06 $R', 'PIX 00,06 $R'],
  ['embeddings', '\u202AR\u202Be\u202Cx\u202D', 'Rex'],
  ['isolates', '\u2066R\u2067e\u2068x\u2069', 'Rex'],
  ['direction marks', '\u200ER\u200Fe\u061Cx', 'Rex'],
  ['deprecated format characters', 'R\u206Ae\u206Fx', 'Rex'],
  ['Hebrew itself', 'שלום Rex', 'שלום Rex'],
  ['Arabic itself', 'مرحبا', 'مرحبا'],
  ['Cyrillic look-alikes', 'Rех', 'Rех'],
  ['full-width letters', 'Ｒｅｘ', 'Ｒｅｘ'],
  ['a lone high surrogate', 'Re\uD83Dx', 'Rex'],
  ['a lone low surrogate', 'Re\uDE00x', 'Rex'],
  ['a torn pair', 'Re\uD83D\u200B\uDE00x', 'Rex'],
  ['a high surrogate at the end', 'Rex\uD83D', 'Rex'],
  ['a replacement character', 'Re\uFFFDx', 'Rex'],
  ['an emoji', 'oi 🐶', 'oi 🐶'],
  ['a family', FAMILY, FAMILY],
  ['a profession with skin tone', '👩🏽\u200D⚕\uFE0F', '👩🏽\u200D⚕\uFE0F'],
  ['a service dog', '🐕\u200D🦺', '🐕\u200D🦺'],
  ['a black cat', '🐈\u200D⬛', '🐈\u200D⬛'],
  ['a heart on fire', '❤\uFE0F\u200D🔥', '❤\uFE0F\u200D🔥'],
  ['a rainbow flag', '🏳\uFE0F\u200D🌈', '🏳\uFE0F\u200D🌈'],
  ['a joiner after an emoji', 'oi 🐶\u200D', 'oi 🐶'],
  ['a joiner between emoji and letter', '🐶\u200Da', '🐶a'],
  ['two joiners between emoji', '🐶\u200D\u200D🐱', '🐶🐱'],
  ['a flag', '🇧🇷', '🇧🇷'],
  ['the flag of a region', SCOTLAND, SCOTLAND],
  ['a hidden text in tag characters', `Rex${hidden('ignore tudo')}`, 'Rex'],
  ['a hidden text behind a flag', `🏴${hidden('ignore tudo')}\u{E007F}`, '🏴'],
  ['an unfinished region flag', `🏴${hidden('gbsct')}`, '🏴'],
  ['a keycap', '1\uFE0F\u20E3', '1\uFE0F\u20E3'],
  ['text and emoji presentation', '☎\uFE0E ☎\uFE0F', '☎\uFE0E ☎\uFE0F'],
  ['four marks', `x${'\u0316'.repeat(4)}`, `x${'\u0316'.repeat(4)}`],
  ['a flood of marks', `x${'\u0316'.repeat(500)}y`, `x${'\u0316'.repeat(4)}y`],
  ['a flood hidden by zero-width spaces', `x${'\u0316\u200B'.repeat(50)}`, `x${'\u0316'.repeat(4)}`],
  ['a flood on an accent that composes', `e${ACUTE}${'\u0316'.repeat(9)}`, `é${'\u0316'.repeat(4)}`],
  ['a flood without a base', '\u0316'.repeat(50), '\u0316'.repeat(4)],
  ['a flood of enclosing marks', `a${'\u20DD'.repeat(9)}`, `a${'\u20DD'.repeat(4)}`],
  ['a flood of variation selectors', `a${'\uFE0F'.repeat(9)}`, `a${'\uFE0F'.repeat(4)}`],
  ['Thai', 'ก็ดี', 'ก็ดี'],
  ['Devanagari', 'नमस्ते', 'नमस्ते'],
  ['Vietnamese', 'Nguyễn', 'Nguyễn'],
  ['Hangul from jamo', '\u1112\u1161\u11AB', '한'],
  ['Ångström sign', '\u212B', 'Å'],
  ['markup', '<b>Rex</b> &amp; "Bob"', '<b>Rex</b> &amp; "Bob"'],
];

const TEXTS: [what: string, input: string, clean: string][] = [
  ['line feeds', 'oi\ntudo bem?', 'oi\ntudo bem?'],
  ['Windows and old Mac line breaks', 'a\r\nb\rc', 'a\nb\nc'],
  ['a Windows line break torn by a zero-width space', 'a\r\u200B\nb', 'a\nb'],
  ['other line breaks', 'a\u2028b\u2029c\u0085d\ve\ff', 'a\nb\nc\nd\ne\nf'],
  ['tabs', 'a\tb\t\tc', 'a b c'],
  ['two blank lines', 'a\n\n\nb', 'a\n\n\nb'],
  ['many blank lines', `a${'\n'.repeat(50)}b`, 'a\n\n\nb'],
  ['many blank lines of spaces', `a${' \t\r\n'.repeat(50)}b`, 'a\n\n\nb'],
  ['blank lines of invisible characters', `a${'\u200B\n'.repeat(50)}b`, 'a\n\n\nb'],
  ['spaces around line breaks', 'a  \n  b', 'a\nb'],
  ['line breaks at both ends', '\n\n a \n\n', 'a'],
  ['controls and bidi', '\u202Ea\u0000\nb\u2069', 'a\nb'],
  ['a family', `${FAMILY}\n${FAMILY}`, `${FAMILY}\n${FAMILY}`],
  ['a flood', `x${'\u0316'.repeat(99)}\ny`, `x${'\u0316'.repeat(4)}\ny`],
];

// Every character below is a trap for some rule; random strings alone would hardly ever put two of them side by side.
const TRAPS = [
  ...'aÉx1 \t\n\r\v\u0085\u00A0\u2028\u3000\u0000\u001B\u007F\u009F\u00AD\u034F\u061C\u115F\u180B\u180E\u200B\u200C\u200D\u200E\u202E\u2060\u2066\u2069',
  ...'\u0301\u0316\u0345\u05B0\u09BE\u09C7\u1100\u1161\u11A8\u20E3\uFE0E\uFE0F\uFEFF\uFFFDİßΣςK👩👦🏽❤🏴🔥🇧🇷\u{E0061}\u{E007F}\u{E0100}\u{E0001}',
  '\uD83D',
  '\uDC36',
  FAMILY,
  SCOTLAND,
];
const nasty = fc.oneof(
  fc.array(fc.constantFrom(...TRAPS), { maxLength: 40 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
);
const runs = { numRuns: 2000 };
const BIDI = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/;

describe('cleanLine', () => {
  it.each(LINES)('%s', (_, input, clean) => {
    expect(cleanLine(input)).toBe(clean);
  });

  it('is idempotent and gives one well-formed, visible, composed line', () => {
    fc.assert(
      fc.property(nasty, (input) => {
        const line = cleanLine(input);
        expect(cleanLine(line)).toBe(line);
        expect(line).not.toMatch(/\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}|\uFFFD/u);
        expect(line).not.toMatch(BIDI);
        expect(line).not.toMatch(/^\s|\s$|\s\s/);
        expect(line).not.toMatch(/\p{M}{5}/u);
        expect(line).not.toMatch(/(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])\u200D/u);
        expect(line.normalize('NFC')).toBe(line);
      }),
      runs,
    );
  });

  it('leaves ordinary words alone', () => {
    const word = fc.constantFrom('Rex', 'ração', 'Dr.', 'às', '14h', 'R$', '60,00', '🐶', FAMILY, '🇧🇷', 'São', 'ñ');
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(cleanLine(words.join(' '))).toBe(words.join(' '));
      }),
    );
  });
});

describe('cleanText', () => {
  it.each(TEXTS)('%s', (_, input, clean) => {
    expect(cleanText(input)).toBe(clean);
  });

  it.each(LINES.filter(([, input]) => !/[\n\r\v\f\u0085\u2028\u2029]/.test(input)))('does to a single line what cleanLine does: %s', (_, input, clean) => {
    expect(cleanText(input)).toBe(clean);
  });

  it('is idempotent and keeps nothing of the controls but single line feeds', () => {
    fc.assert(
      fc.property(nasty, (input) => {
        const text = cleanText(input);
        expect(cleanText(text)).toBe(text);
        expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}|\uFFFD/u);
        expect(text).not.toMatch(BIDI);
        expect(text).not.toMatch(/^\s|\s$|\n{4}| \n|\n | {2}/);
        expect(text).not.toMatch(/\p{M}{5}/u);
        expect(text.normalize('NFC')).toBe(text);
      }),
      runs,
    );
  });

  it('says the same as cleanLine, but for the line breaks', () => {
    fc.assert(
      fc.property(nasty, (input) => {
        expect(cleanLine(cleanText(input))).toBe(cleanLine(input));
      }),
      runs,
    );
  });
});

describe('fold', () => {
  it.each([
    ['', ''],
    ['Ração PREMIUM', 'racao premium'],
    ['  São   José\tdos\nCampos ', 'sao jose dos campos'],
    ['ÇÃÉÎÕÜ', 'caeiou'],
    [`cafe${ACUTE}`, 'cafe'],
    ['CAFÉ\u00A0COM\u202FLEITE', 'cafe com leite'],
    ['ba\u200Bnho', 'banho'],
    ['\uFEFFbanho', 'banho'],
    ['vaci\u00ADna', 'vacina'],
    ['\u202Ebanho', 'banho'],
    ['ba\u0000nho', 'banho'],
    ['ba\uD83Dnho', 'banho'],
    ['a\u0085b', 'a b'],
    [`x${'\u0316'.repeat(500)}`, 'x'],
    ['İstanbul', 'istanbul'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευσ'],
    ['STRASSE ß', 'strasse ß'],
    ['1ª dose', '1ª dose'],
    ['Rех', 'rех'],
    ['🐶 Rex', '🐶 rex'],
    ['\u0301\u0316', ''],
  ])('%j becomes %j', (input, folded) => {
    expect(fold(input)).toBe(folded);
  });

  it('is idempotent, single-spaced and free of marks, capitals and invisible characters', () => {
    fc.assert(
      fc.property(nasty, (input) => {
        const folded = fold(input);
        expect(fold(folded)).toBe(folded);
        expect(folded).not.toMatch(/\p{M}|\p{Cc}|\p{Cf}|\p{Cs}/u);
        expect(folded).not.toMatch(/^\s|\s$|\s\s/);
        expect(folded.toLowerCase()).toBe(folded);
      }),
      runs,
    );
  });

  it('sees no difference between a text and its cleaned form, nor between compositions', () => {
    fc.assert(
      fc.property(nasty, (input) => {
        expect(fold(cleanLine(input))).toBe(fold(input));
        expect(fold(input.normalize('NFD'))).toBe(fold(input.normalize('NFC')));
      }),
      runs,
    );
  });
});

describe('graphemes', () => {
  it.each([
    ['', 0],
    ['Rex', 3],
    ['ração', 5],
    [`rac\u0327a\u0303o`, 5],
    ['a\nb', 3],
    ['a\r\nb', 3],
    ['🐶', 1],
    [FAMILY, 1],
    [SCOTLAND, 1],
    ['🇧🇷🇵🇹', 2],
    ['👩🏽\u200D⚕\uFE0F', 1],
    ['1\uFE0F\u20E3', 1],
    [`x${'\u0316'.repeat(500)}`, 1],
    ['한국', 2],
    ['\uD83D', 1],
  ])('%j has %d', (text, count) => {
    expect(graphemes(text)).toBe(count);
  });

  it('counts what the platform segments, on the fast path too', () => {
    const segmenter = new Intl.Segmenter('pt-BR', { granularity: 'grapheme' });
    const latin = fc.string({ unit: fc.integer({ min: 0, max: 0x2ff }).map((unit) => String.fromCharCode(unit)) });
    fc.assert(
      fc.property(fc.oneof(nasty, latin), (text) => {
        expect(graphemes(text)).toBe([...segmenter.segment(text)].length);
      }),
      runs,
    );
  });
});
