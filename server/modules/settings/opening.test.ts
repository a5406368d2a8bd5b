import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closedReason, createCalendar, isOpenAt, localDay, localTime, nextOpening, openSpans, parseHours } from './opening.ts';
import type { Opening, Weekday, WeekHours } from './opening.ts';

function week(weekdays: string[], sat: string[] = [], sun: string[] = []): WeekHours {
  return { mon: weekdays, tue: weekdays, wed: weekdays, thu: weekdays, fri: weekdays, sat, sun };
}

function clinic(more: Partial<Opening> = {}): Opening {
  return {
    timezone: 'America/Sao_Paulo',
    hours: week(['08:00-12:00', '13:00-18:00'], ['08:00-13:00']),
    holidays: { closed_national: true, optional: [] },
    closed_days: [],
    open_days: [],
    ...more,
  };
}

function spans(opening: Opening, date: string): string[] {
  return openSpans(opening, date).map(({ starts_at, ends_at }) => `${starts_at.slice(5, 16)}/${ends_at.slice(5, 16)}`);
}

const allDay = (hours: string[]) => week(hours, hours, hours);

describe('parseHours', () => {
  test.each([
    [[], []],
    [
      ['08:00-12:00', '13:00-18:00'],
      [
        { from: 480, to: 720 },
        { from: 780, to: 1080 },
      ],
    ],
    [['00:00-24:00'], [{ from: 0, to: 1440 }]],
    [['08:00-12:00', '12:00-18:00'], [{ from: 480, to: 1080 }]],
  ])('%j', (given, expected) => {
    expect(parseHours(given)).toEqual(expected);
  });

  test.each([
    [['8:00-12:00'], 'not a span'],
    [['08:00 - 12:00'], 'not a span'],
    [['24:00-24:00'], 'not a span'],
    [['08:00-24:30'], 'not a span'],
    [['08:60-09:00'], 'not a span'],
    [['08:00-12:00\n'], 'not a span'],
    [['12:00-08:00'], 'ends before'],
    [['08:00-08:00'], 'ends before'],
    [['08:00-12:00', '11:59-13:00'], 'begins before'],
    [['13:00-18:00', '08:00-12:00'], 'begins before'],
  ])('%j is refused: %s', (given, message) => {
    expect(() => parseHours(given)).toThrow(message);
  });
});

describe('which hours hold on a day', () => {
  const opening = clinic({
    closed_days: [
      { date: '2027-01-25', name: 'Aniversário de São Paulo' },
      { date: '2027-09-07', name: 'Férias coletivas' },
      { date: '2027-03-10', name: 'Reforma' },
    ],
    open_days: [
      { date: '2027-11-15', hours: ['09:00-12:00'] },
      { date: '2027-03-10', hours: ['14:00-15:00'] },
      { date: '2027-12-25', hours: [] },
    ],
  });

  test.each([
    ['2027-02-03', undefined, ['02-03T11:00/02-03T15:00', '02-03T16:00/02-03T21:00']],
    ['2027-02-06', undefined, ['02-06T11:00/02-06T16:00']],
    ['2027-02-07', { kind: 'weekday', name: 'domingo' }, []],
    ['2027-01-25', { kind: 'closed_day', name: 'Aniversário de São Paulo' }, []],
    ['2027-04-21', { kind: 'holiday', name: 'Tiradentes' }, []],
    ['2027-08-15', { kind: 'weekday', name: 'domingo' }, []],
    ['2022-12-25', { kind: 'holiday', name: 'Natal' }, []],
    ['2027-09-07', { kind: 'closed_day', name: 'Férias coletivas' }, []],
    ['2027-11-15', undefined, ['11-15T12:00/11-15T15:00']],
    ['2027-03-10', undefined, ['03-10T17:00/03-10T18:00']],
    ['2027-12-25', { kind: 'holiday', name: 'Natal' }, []],
    ['2027-02-09', undefined, ['02-09T11:00/02-09T15:00', '02-09T16:00/02-09T21:00']],
    ['2023-11-20', undefined, ['11-20T11:00/11-20T15:00', '11-20T16:00/11-20T21:00']],
    ['2024-11-20', { kind: 'holiday', name: 'Dia da Consciência Negra' }, []],
  ])('%s: %j %j', (date, reason, expected) => {
    expect(closedReason(opening, date)).toEqual(reason);
    expect(spans(opening, date)).toEqual(expected);
  });

  test('holidays are a choice', () => {
    const none = clinic({ holidays: { closed_national: false, optional: [] } });
    expect(closedReason(none, '2027-09-07')).toBeUndefined();
    const some = clinic({ holidays: { closed_national: false, optional: ['carnaval', 'corpus_christi', 'christmas'] } });
    expect(['2027-02-09', '2027-05-27', '2028-12-25', '2027-09-07'].map((date) => closedReason(some, date)?.name)).toEqual([
      'Carnaval (terça-feira)',
      'Corpus Christi',
      'Natal',
      undefined,
    ]);
  });
});

describe('when the clock changes', () => {
  const saoPaulo = clinic({ hours: allDay(['00:00-01:30', '09:00-18:00', '22:00-23:30']) });
  const newYork = clinic({ timezone: 'America/New_York', hours: allDay(['01:30-02:30', '09:00-18:00']), holidays: { closed_national: false, optional: [] } });

  test('09:00 stays 09:00 on the wall', () => {
    expect(spans(saoPaulo, '2018-11-03')[1]).toBe('11-03T12:00/11-03T21:00');
    expect(spans(saoPaulo, '2018-11-04')[1]).toBe('11-04T11:00/11-04T20:00');
    expect(spans(newYork, '2027-03-13')[1]).toBe('03-13T14:00/03-13T23:00');
    expect(spans(newYork, '2027-03-14')[1]).toBe('03-14T13:00/03-14T22:00');
  });

  test('hours that begin or end in a skipped hour begin or end where it does', () => {
    expect(spans(saoPaulo, '2018-11-04')[0]).toBe('11-04T03:00/11-04T03:30');
    expect(spans(newYork, '2027-03-14')[0]).toBe('03-14T06:30/03-14T07:00');
  });

  test('hours wholly in a skipped hour do not happen', () => {
    const opening = clinic({ timezone: 'America/New_York', hours: allDay(['02:10-02:50']) });
    expect(spans(opening, '2027-03-14')).toEqual([]);
    expect(spans(opening, '2027-03-15')).toEqual(['03-15T06:10/03-15T06:50']);
  });

  test('of a doubled hour both passes count', () => {
    expect(spans(saoPaulo, '2018-02-17')).toEqual(['02-17T02:00/02-17T03:30', '02-17T11:00/02-17T20:00', '02-18T00:00/02-18T01:30', '02-18T02:00/02-18T02:30']);
    expect(spans(newYork, '2027-11-07').slice(0, 2)).toEqual(['11-07T05:30/11-07T06:00', '11-07T06:30/11-07T07:30']);
  });

  test('open around the clock is 23, 24 or 25 hours in one span', () => {
    const opening = { ...newYork, hours: allDay(['00:00-24:00']) };
    expect(spans(opening, '2027-03-14')).toEqual(['03-14T05:00/03-15T04:00']);
    expect(spans(opening, '2027-11-07')).toEqual(['11-07T04:00/11-08T05:00']);
  });

  test('the grid goes by the wall, offering a doubled time once and a skipped one not at all', () => {
    const grid = (date: string) =>
      createCalendar({ ...newYork, hours: allDay(['00:30-03:30']) })(date)
        .grid(30)
        .map((ms) => new Date(ms).toISOString().slice(11, 16));
    expect(grid('2027-03-13')).toEqual(['05:30', '06:00', '06:30', '07:00', '07:30', '08:00']);
    expect(grid('2027-03-14')).toEqual(['05:30', '06:00', '06:30', '07:00']);
    expect(grid('2027-11-07')).toEqual(['04:30', '05:00', '05:30', '07:00', '07:30', '08:00']);
  });

  test('a grid needs a step', () => {
    expect(() => createCalendar(newYork)('2027-03-13').grid(0)).toThrow(RangeError);
  });
});

describe('isOpenAt and nextOpening', () => {
  test.each([
    ['2027-02-03T10:59:59.999Z', false],
    ['2027-02-03T11:00:00.000Z', true],
    ['2027-02-03T14:59:59.999Z', true],
    ['2027-02-03T15:00:00.000Z', false],
    ['2027-04-21T13:00:00.000Z', false],
  ])('at %s: %s', (at, open) => {
    expect(isOpenAt(clinic(), at)).toBe(open);
  });

  test.each([
    ['2027-02-03T03:00:00.000Z', '2027-02-03T11:00:00.000Z'],
    ['2027-02-03T11:00:00.000Z', '2027-02-03T11:00:00.000Z'],
    ['2027-02-03T12:00:00.000Z', '2027-02-03T16:00:00.000Z'],
    ['2027-02-06T16:00:00.000Z', '2027-02-08T11:00:00.000Z'],
    ['2027-04-20T22:00:00.000Z', '2027-04-22T11:00:00.000Z'],
  ])('after %s the clinic opens at %s', (after, starts_at) => {
    expect(nextOpening(clinic(), after)?.starts_at).toBe(starts_at);
  });

  test('looks no further than asked', () => {
    const closed = clinic({ hours: week([]), open_days: [{ date: '2027-02-10', hours: ['09:00-10:00'] }] });
    expect(nextOpening(closed, '2027-02-03T12:00:00.000Z', 6)).toBeUndefined();
    expect(nextOpening(closed, '2027-02-03T12:00:00.000Z', 7)).toEqual({ starts_at: '2027-02-10T12:00:00.000Z', ends_at: '2027-02-10T13:00:00.000Z' });
    expect(nextOpening(closed, '2027-02-11T12:00:00.000Z')).toBeUndefined();
  });
});

test('the clinic is open exactly when the clock on the wall shows an open hour of that weekday', () => {
  const keys: Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  const zone = fc.constantFrom('America/Sao_Paulo', 'America/Manaus', 'America/Rio_Branco', 'America/Noronha', 'America/New_York');
  const turn = fc.constantFrom('2018-11-04T03:00Z', '2018-02-18T02:00Z', '2027-03-14T07:00Z', '2027-11-07T06:00Z', '2027-06-01T12:00Z');
  const hours = fc.constantFrom<string[]>([], ['00:00-24:00'], ['00:30-01:15', '22:45-23:20'], ['08:00-12:00', '13:00-18:00'], ['01:40-24:00']);
  const around = fc.integer({ min: -36 * 60, max: 36 * 60 });
  fc.assert(
    fc.property(zone, turn, around, fc.tuple(hours, hours, hours, hours, hours, hours, hours), (timezone, near, minutes, lists) => {
      const opening = clinic({
        timezone,
        hours: Object.fromEntries(keys.map((key, index) => [key, lists[index]])) as WeekHours,
        holidays: { closed_national: false, optional: [] },
      });
      const at = new Date(Date.parse(near) + minutes * 60_000).toISOString();
      const time = localTime(timezone, at);
      const today = lists[new Date(`${localDay(timezone, at)}T00:00Z`).getUTCDay()] ?? [];
      expect(isOpenAt(opening, at)).toBe(today.some((span) => time >= span.slice(0, 5) && time < span.slice(6)));
    }),
    { numRuns: 1000 },
  );
});
