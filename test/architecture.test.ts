/** The plan of docs/architecture.md, held against every parsed file; and proof that each rule sees what it forbids. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { broken, sound } from './support/architecture/examples.ts';
import { EDGES } from './support/architecture/plan.ts';
import { rules } from './support/architecture/rules.ts';
import { readTree, treeOf } from './support/architecture/tree.ts';

const here = readTree(path.resolve(import.meta.dirname, '..'));

describe('the project', () => {
  test.each(rules)('$name', (rule) => {
    const found = rule.find(here).map(({ where, what }) => `${where} ${what}`);
    expect(found, `${rule.name}.\nTo do: ${rule.remedy}.`).toEqual([]);
  });

  test('the edges themselves make no circle and lead to known modules', () => {
    const reach = (module: string, seen: string[]): string[] =>
      (EDGES[module] ?? []).flatMap((next) => (seen.includes(next) ? [`${seen.join(' → ')} → ${next}`] : reach(next, [...seen, next])));
    expect(Object.keys(EDGES).flatMap((module) => reach(module, [module]))).toEqual([]);
    expect(
      Object.values(EDGES)
        .flat()
        .filter((module) => !(module in EDGES)),
    ).toEqual([]);
  });
});

describe('the rules', () => {
  test('say nothing about a project that keeps them', () => {
    const tree = treeOf(sound);
    expect(rules.flatMap((rule) => rule.find(tree).map(({ where, what }) => `${where} ${what}`))).toEqual([]);
  });

  test.each(rules)('see it broken: $name', (rule) => {
    const cases = Object.entries(broken).find(([start]) => rule.name.startsWith(start))?.[1] ?? [];
    expect(cases.length, 'each rule needs an example that breaks it').toBeGreaterThan(0);
    for (const files of cases) {
      const places = rule.find(treeOf({ ...sound, ...files })).map(({ where }) => where.replace(/:\d+$/, ''));
      expect(
        places.some((place) => place in files),
        JSON.stringify(files),
      ).toBe(true);
    }
  });
});
