import { describe, expect, test } from 'vitest';
import { holidaysOf } from './holidays.ts';

const YEARS = Array.from({ length: 18 }, (_, index) => 2018 + index);

/** Gauss's Easter, with its two exceptions; independent of the library's way. */
function easterOf(year: number): Date {
  const [a, b, c] = [year % 19, year % 4, year % 7];
  const d = (19 * a + 24) % 30;
  const e = (2 * b + 4 * c + 6 * d + 5) % 7;
  let day = 22 + d + e;
  if (day === 57 || (day === 56 && d === 28 && a > 10)) day -= 7;
  return new Date(Date.UTC(year, 2, day));
}

function fromEaster(year: number, days: number): string {
  return new Date(easterOf(year).getTime() + days * 86_400_000).toISOString().slice(0, 10);
}

function datesOf(year: number, kind: 'national' | 'optional'): string[] {
  return holidaysOf(year)
    .filter((holiday) => holiday.kind === kind)
    .map(({ date }) => date);
}

describe('holidaysOf', () => {
  test('our own Easter is the known one', () => {
    expect([2018, 2019, 2024, 2025, 2027, 2038].map((year) => fromEaster(year, 0))).toEqual([
      '2018-04-01',
      '2019-04-21',
      '2024-03-31',
      '2025-04-20',
      '2027-03-28',
      '2038-04-25',
    ]);
  });

  test.each(YEARS)('%i has the national holidays of the law and no other', (year) => {
    const fixed = ['01-01', '04-21', '05-01', '09-07', '10-12', '11-02', '11-15', '12-25'];
    if (year >= 2024) fixed.push('11-20');
    const expected = [...fixed.map((day) => `${year}-${day}`), fromEaster(year, -2)].sort();
    expect(datesOf(year, 'national')).toEqual(expected);
    expect(expected).toHaveLength(year >= 2024 ? 10 : 9);
  });

  test.each(YEARS)('%i has Carnaval, Easter and Corpus Christi as optional', (year) => {
    expect(datesOf(year, 'optional')).toEqual([-47, 0, 60].map((days) => fromEaster(year, days)));
  });

  test('ids are ours, unique and the same every year', () => {
    const ids = holidaysOf(2027).map(({ id }) => id);
    expect(new Set(ids).size).toBe(13);
    for (const id of ids) expect(id).toMatch(/^[a-z_]+$/);
    for (const year of YEARS.filter((each) => each >= 2024)) {
      expect(
        holidaysOf(year)
          .map(({ id }) => id)
          .sort(),
      ).toEqual([...ids].sort());
    }
  });

  test('names are Portuguese', () => {
    expect(holidaysOf(2027).find(({ id }) => id === 'republic')).toEqual({
      date: '2027-11-15',
      name: 'Proclamação da República',
      kind: 'national',
      id: 'republic',
    });
  });

  test('knows nothing beyond the years of the library, and says so quietly', () => {
    expect(holidaysOf(2150)).toEqual([]);
  });
});
