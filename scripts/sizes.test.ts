import { expect, test } from 'vitest';
import { treeOf } from '../test/support/architecture/tree.ts';
import { measure } from './sizes.ts';

const lines = (count: number) => Array.from({ length: count }, (_, i) => `export const n${i} = ${i};\n`).join('');

test('counts files, lines, comments and functions', () => {
  const { table, faults } = measure(
    treeOf({
      'server/platform/a.ts': `/**\n * Why.\n */\n${lines(60)}export function f() {\n  return [\n    () => {\n      return 1;\n    },\n  ];\n}\n`,
      'server/platform/a.test.ts': lines(35),
    }),
  );
  expect(faults).toEqual([]);
  expect(table).toMatch(/^server\s+1\s+70\s+70 \/ 70 \/ 70\s+0\s+4 %\s+5$/m);
  expect(table).toContain('test:source 0.50; median of');
});

test('names each file that is too long, too short or in a circle, and each long function', () => {
  const { faults } = measure(
    treeOf({
      'server/platform/long.ts': lines(401),
      'server/channels/simulator/inbound.ts': lines(251),
      'server/platform/short.ts': lines(14),
      'server/modules/orders/index.ts': lines(1),
      'server/platform/a.ts': `import './b.ts';\n${lines(20)}`,
      'server/platform/b.ts': `import './a.ts';\n${lines(20)}export function f() {\n${'  f();\n'.repeat(60)}}\n`,
      'test/long.test.ts': lines(601),
    }),
  );
  expect(faults).toEqual([
    expect.stringMatching(/^nine in ten .* now it is 401/),
    expect.stringMatching(/^server\/platform\/long\.ts: 401 lines/),
    expect.stringMatching(/^server\/channels\/simulator\/inbound\.ts: 251 lines/),
    expect.stringMatching(/^server\/platform\/short\.ts: 14 lines/),
    expect.stringMatching(/^test\/long\.test\.ts: 601 lines/),
    expect.stringMatching(/^server\/platform\/b\.ts:22: a function of 62 lines/),
    expect.stringMatching(/^import cycle: /),
  ]);
});
