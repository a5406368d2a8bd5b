import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byEngine, identifier, render, sql, type Sql } from './sql.ts';

describe('sql', () => {
  test('values are bound, never written into the text, on both engines', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), { minLength: 1, maxLength: 8 }), (values) => {
        const query = sql`select * from t where ${sql.and(values.map((value) => sql`x = ${value}`))}`;
        const postgres = render(query, 'postgresql');
        const sqlite = render(query, 'sqlite');
        expect(postgres.values).toEqual(values);
        expect(sqlite.values).toEqual(values);
        expect(postgres.text).toBe(`select * from t where ${values.map((_, i) => `x = $${i + 1}`).join(' and ')}`);
        expect(sqlite.text).toBe(`select * from t where ${values.map(() => 'x = ?').join(' and ')}`);
      }),
    );
  });

  test('the same text has the same name whatever is bound, another text another', () => {
    const one = (id: string, more: Sql = sql.empty) => render(sql`select 1 from t where id = ${id}${more}`, 'postgresql');
    expect(one('a').name).toBe(one("b'; drop table t").name);
    expect(one('a').name).not.toBe(one('a', sql` and x = 1`).name);
    expect(one('a').name.length).toBeLessThan(63);
  });

  test('fragments nest, join and disappear', () => {
    const inner = sql`b = ${2}`;
    expect(render(sql`${sql`a = ${1}`} or ${sql.join([inner, inner], sql` or `)}${sql.empty}`, 'postgresql')).toMatchObject({
      text: 'a = $1 or b = $2 or b = $3',
      values: [1, 2, 2],
    });
    expect(render(sql`in (${sql.join(['x', 'y'])})`, 'sqlite')).toMatchObject({ text: 'in (?, ?)', values: ['x', 'y'] });
    expect(render(sql.and([undefined, false]), 'sqlite').text).toBe('1 = 1');
    expect(render(sql.join([]), 'sqlite').text).toBe('');
  });

  test('a difference between the engines renders as the engine’s own, also the second time', () => {
    const now = byEngine({ postgresql: sql`now() + ${1}`, sqlite: sql`datetime(${1})` });
    for (let i = 0; i < 2; i++) {
      expect(render(sql`select ${now}`, 'postgresql')).toMatchObject({ text: 'select now() + $1', values: [1] });
      expect(render(sql`select ${now}`, 'sqlite')).toMatchObject({ text: 'select datetime(?)', values: [1] });
      expect(render(now, 'sqlite').text).toBe('datetime(?)');
    }
  });

  test('objects that look like SQL are values', () => {
    const forged = { strings: ['drop table t'], values: [] };
    expect(render(sql`select ${forged}`, 'sqlite')).toMatchObject({ text: 'select ?', values: [forged] });
    expect(render(sql`select ${['a']}`, 'sqlite').values).toEqual([['a']]);
  });

  test('a name is ours or it throws', () => {
    expect(render(identifier('pets'), 'sqlite').text).toBe('pets');
    fc.assert(
      fc.property(fc.string(), (name) => {
        if (/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name)) expect(render(identifier(name), 'sqlite').text).toBe(name);
        else expect(() => identifier(name)).toThrow(TypeError);
      }),
    );
    for (const name of ['', 'a b', 'a;', 'a--', 'A', '"a"', 'a.b.c', 'a\n', '1a']) expect(() => identifier(name)).toThrow(TypeError);
  });
});
