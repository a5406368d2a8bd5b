/** What the rules want to know about one source file, read from its syntax tree: imports, SQL, names, sizes. */
import { type Expression, parseSync, type Span, Visitor } from 'oxc-parser';

export interface Import {
  specifier: string;
  line: number;
  /** Imported names that exist at run time; `*` for the whole module, `default` for its default. */
  values: string[];
}

export interface At {
  text: string;
  line: number;
}

export interface Source {
  path: string;
  lines: number;
  /** Lines that hold nothing but comment. */
  commentLines: number;
  /** All of them: type imports, re-exports, dynamic imports and `import('…').T` too. */
  imports: Import[];
  /** Dynamic imports whose path cannot be read here. */
  unreadableImports: At[];
  exports: At[];
  /** SQL templates, each `${…}` as `?`. */
  statements: At[];
  /** Dotted uses of names: `process.env`, `Date.now`, `test.skip`, `new Date`. */
  uses: At[];
  /** Names in the code, and the text of its strings. */
  names: At[];
  strings: At[];
  /** Members of a union type called `…Table`: what an `identifier(table)` of this file may name. */
  tableNames: At[];
  /** Codes given to `defineError`; empty text when it is not a literal. */
  errorCodes: At[];
  /** Lines of each function without those of functions, declarations and SQL inside it. */
  functions: { line: number; lines: number }[];
}

type LineOf = (offset: number) => number;
type Found = Pick<Source, 'statements' | 'tableNames' | 'uses' | 'names' | 'strings' | 'errorCodes' | 'functions'> & {
  typeImports: Import[];
  dynamicImports: (At | Import)[];
};

/** Throws when the file cannot be parsed. */
export function readSource(path: string, text: string): Source {
  const parsed = parseSync(path, text);
  const wrong = parsed.errors[0];
  if (wrong) throw new SyntaxError(`${path}: ${wrong.message}`);
  const lineOf = lineFinder(text);
  const { typeImports, dynamicImports, ...found } = visit(parsed.program, lineOf);
  const imports: Import[] = [
    ...parsed.module.staticImports.map((one) => ({
      specifier: one.moduleRequest.value,
      line: lineOf(one.start),
      values: one.entries.filter((entry) => !entry.isType).map((entry) => entry.importName.name ?? (entry.importName.kind === 'Default' ? 'default' : '*')),
    })),
    ...parsed.module.staticExports.flatMap((one) =>
      one.entries.flatMap((entry) =>
        entry.moduleRequest
          ? [{ specifier: entry.moduleRequest.value, line: lineOf(one.start), values: entry.isType ? [] : [entry.importName.name ?? '*'] }]
          : [],
      ),
    ),
    ...typeImports,
    ...dynamicImports.filter((one) => 'specifier' in one),
  ];
  const exports = parsed.module.staticExports.flatMap((one) =>
    one.entries.flatMap(({ exportName }) => (exportName.name ? [{ text: exportName.name, line: lineOf(one.start) }] : [])),
  );
  return {
    path,
    lines: text === '' ? 0 : lineOf(text.length - 1),
    commentLines: countCommentLines(text, parsed.comments),
    imports,
    unreadableImports: dynamicImports.filter((one) => 'text' in one),
    exports,
    ...found,
  };
}

function visit(program: Parameters<Visitor['visit']>[0], lineOf: LineOf): Found {
  const found: Found = { statements: [], tableNames: [], uses: [], names: [], strings: [], errorCodes: [], functions: [], typeImports: [], dynamicImports: [] };
  const sizes = functionSizes(found.functions, lineOf);
  const at = (node: Span, text: string): At => ({ text, line: lineOf(node.start) });
  new Visitor({
    ...sizes.visitor,
    TaggedTemplateExpression(node) {
      if (node.tag.type !== 'Identifier' || node.tag.name !== 'sql') return;
      found.statements.push(at(node, node.quasi.quasis.map((part) => part.value.cooked ?? '').join('?')));
      sizes.enter();
    },
    'TaggedTemplateExpression:exit'(node) {
      if (node.tag.type === 'Identifier' && node.tag.name === 'sql') sizes.leave(node);
    },
    MemberExpression(node) {
      const name = dotted(node);
      if (name) found.uses.push(at(node, name));
    },
    NewExpression(node) {
      const name = dotted(node.callee);
      if (name) found.uses.push(at(node, `new ${name}`));
    },
    CallExpression(node) {
      const callee = dotted(node.callee);
      if (callee === undefined) return;
      if (DECLARES.test(callee)) sizes.enter();
      for (const argument of node.arguments) {
        if (argument.type !== 'ObjectExpression') continue;
        for (const property of argument.properties) {
          if (property.type !== 'Property' || property.key.type !== 'Identifier') continue;
          const { name } = property.key;
          found.uses.push(at(property, `${callee}({${name}})`));
          if (callee === 'defineError' && name === 'code')
            found.errorCodes.push(at(property, property.value.type === 'Literal' ? String(property.value.value) : ''));
        }
      }
    },
    'CallExpression:exit'(node) {
      if (node.callee.type === 'Identifier' && DECLARES.test(node.callee.name)) sizes.leave(node);
    },
    ImportExpression(node) {
      const literal = node.source.type === 'Literal' && typeof node.source.value === 'string' ? node.source.value : undefined;
      found.dynamicImports.push(literal === undefined ? at(node, 'import(…)') : { specifier: literal, line: lineOf(node.start), values: ['*'] });
    },
    TSTypeAliasDeclaration(node) {
      if (!node.id.name.endsWith('Table')) return;
      const members = node.typeAnnotation.type === 'TSUnionType' ? node.typeAnnotation.types : [node.typeAnnotation];
      for (const member of members) {
        if (member.type === 'TSLiteralType' && member.literal.type === 'Literal') found.tableNames.push(at(member, String(member.literal.value)));
      }
    },
    TSImportType: (node) => void found.typeImports.push({ specifier: node.source.value, line: lineOf(node.start), values: [] }),
    Identifier: (node) => void found.names.push(at(node, node.name)),
    Literal: (node) => void (typeof node.value === 'string' && found.strings.push(at(node, node.value))),
    TemplateElement: (node) => void found.strings.push(at(node, node.value.raw)),
  }).visit(program);
  return found;
}

/** `a.b.c`, also when written `a['b'].c`; undefined when it does not start at a name. */
function dotted(node: Expression | { type: 'Super' }): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if (node.type !== 'MemberExpression') return undefined;
  const object = dotted(node.object);
  if (object === undefined) return undefined;
  if (!node.computed) return node.property.type === 'Identifier' ? `${object}.${node.property.name}` : undefined;
  return node.property.type === 'Literal' ? `${object}.${String(node.property.value)}` : undefined;
}

/** `defineRoute({…})` inside a function is data. */
const DECLARES = /^define[A-Z]\w*$/;

/** A factory that returns ten closures is not long; a function that does ten things is. */
function functionSizes(into: Source['functions'], lineOf: LineOf) {
  const open: { inner: number }[] = [];
  const span = (node: Span) => lineOf(node.end) - lineOf(node.start);
  const enter = () => void open.push({ inner: 0 });
  /** Ends something whose lines count for nobody around it. */
  const leave = (node: Span) => {
    const { inner } = open.pop()!;
    const around = open.at(-1);
    if (around) around.inner += span(node);
    return inner;
  };
  const exit = (node: Span) => void into.push({ line: lineOf(node.start), lines: span(node) + 1 - leave(node) });
  return {
    enter,
    leave,
    visitor: {
      FunctionDeclaration: enter,
      'FunctionDeclaration:exit': exit,
      FunctionExpression: enter,
      'FunctionExpression:exit': exit,
      ArrowFunctionExpression: enter,
      'ArrowFunctionExpression:exit': exit,
    },
  };
}

function lineFinder(text: string): LineOf {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function countCommentLines(text: string, comments: readonly Span[]): number {
  let bare = '';
  let at = 0;
  const onlyMarks = /^[\s§]*§\s*$/;
  // Comments become a mark; a line with a mark and nothing else is a comment line.
  for (const comment of comments) {
    bare += text.slice(at, comment.start) + text.slice(comment.start, comment.end).replaceAll(/[^\n]+/g, '§');
    at = comment.end;
  }
  return (bare + text.slice(at)).split('\n').filter((line) => onlyMarks.test(line)).length;
}
