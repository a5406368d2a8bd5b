import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDays, createWallClock, dayBounds, dayOfWeek, isTimezone, localDay, localTime } from './wall-clock.ts';

const HOUR = 3_600_000;

function iso(ranges: { from: number; to: number }[]): string[] {
  return ranges.map(({ from, to }) => `${new Date(from).toISOString().slice(5, 16)}/${new Date(to).toISOString().slice(5, 16)}`);
}

describe('isTimezone', () => {
  test.each(['America/Sao_Paulo', 'America/Argentina/Buenos_Aires', 'UTC', 'Etc/GMT+3'])('%s is one', (name) => {
    expect(isTimezone(name)).toBe(true);
  });
  test.each(['', '-03:00', 'Z', 'Brasilia', 'America/Sao Paulo', 'America/', '2027-01-01T00:00[America/Sao_Paulo]'])('%s is none', (name) => {
    expect(isTimezone(name)).toBe(false);
  });
});

describe('local day and time', () => {
  test.each([
    ['America/Sao_Paulo', '2027-02-03T02:59:59.999Z', '2027-02-02', '23:59'],
    ['America/Sao_Paulo', '2027-02-03T03:00:00.000Z', '2027-02-03', '00:00'],
    ['America/Manaus', '2027-02-03T03:00:00.000Z', '2027-02-02', '23:00'],
    ['America/Rio_Branco', '2027-02-03T04:30:00.000Z', '2027-02-02', '23:30'],
    ['America/Noronha', '2027-02-03T02:00:00.000Z', '2027-02-03', '00:00'],
    ['America/Sao_Paulo', '2018-11-04T03:00:00.000Z', '2018-11-04', '01:00'],
  ])('%s at %s is %s %s', (zone, at, day, time) => {
    expect([localDay(zone, at), localTime(zone, at)]).toEqual([day, time]);
  });

  test('an unknown zone or no instant is a RangeError', () => {
    expect(() => localDay('Nope/Nope', '2027-02-03T03:00:00.000Z')).toThrow(RangeError);
    expect(() => localTime('UTC', 'noon')).toThrow(RangeError);
  });

  test.each([
    ['America/Sao_Paulo', '2027-02-03', '2027-02-03T03:00:00.000Z', '2027-02-04T03:00:00.000Z'],
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z', '2018-11-05T02:00:00.000Z'],
    ['America/Sao_Paulo', '2018-02-17', '2018-02-17T02:00:00.000Z', '2018-02-18T03:00:00.000Z'],
    ['America/New_York', '2027-11-07', '2027-11-07T04:00:00.000Z', '2027-11-08T05:00:00.000Z'],
    ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00.000Z', '2011-12-30T10:00:00.000Z'],
  ])('%s %s lasts from %s to %s', (zone, date, starts_at, ends_at) => {
    expect(dayBounds(zone, date)).toEqual({ starts_at, ends_at });
  });

  test('days are counted and named without a zone', () => {
    expect([addDays('2028-02-28', 2), addDays('2027-01-01', -1)]).toEqual(['2028-03-01', '2026-12-31']);
    expect(['2027-02-07', '2027-02-06', '1969-12-31'].map(dayOfWeek)).toEqual([0, 6, 3]);
  });
});

describe('createWallClock', () => {
  test('an ordinary day', () => {
    const day = createWallClock('America/Sao_Paulo')('2027-02-03');
    expect(
      iso(
        day.rangesOf([
          { from: 480, to: 720 },
          { from: 780, to: 1440 },
        ]),
      ),
    ).toEqual(['02-03T11:00/02-03T15:00', '02-03T16:00/02-04T03:00']);
    expect(day.firstAt(540)).toBe(Date.UTC(2027, 1, 3, 12));
  });

  test('a day left out has no instants', () => {
    const day = createWallClock('Pacific/Apia')('2011-12-30');
    expect(day.rangesOf([{ from: 0, to: 1440 }])).toEqual([]);
    expect(day.firstAt(600)).toBeUndefined();
  });

  test('one clock over many days, in any order, is as good as a new one for each', () => {
    const zone = fc.constantFrom('America/New_York', 'America/Sao_Paulo', 'America/Havana', 'Australia/Lord_Howe', 'America/Rio_Branco', 'Africa/Casablanca');
    const dates = fc.array(
      fc.integer({ min: 0, max: 12 * 365 }).map((days) => addDays('2017-01-01', days)),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(zone, dates, fc.integer({ min: 0, max: 1439 }), (timezone, days, minute) => {
        const shared = createWallClock(timezone);
        for (const date of days) {
          const fresh = createWallClock(timezone)(date);
          expect(shared(date).firstAt(minute)).toBe(fresh.firstAt(minute));
          expect(shared(date).rangesOf([{ from: minute, to: 1440 }])).toEqual(fresh.rangesOf([{ from: minute, to: 1440 }]));
        }
      }),
    );
  });

  test('what it answers reads back as the same wall time, and a whole day is the time between its bounds', () => {
    const zone = fc.constantFrom('America/New_York', 'America/Sao_Paulo', 'America/Manaus', 'America/Noronha', 'America/Havana', 'Australia/Lord_Howe');
    const anyDate = fc.integer({ min: 0, max: 14 * 365 }).map((days) => addDays('2017-01-01', days));
    const turns = fc.constantFrom('2018-11-04', '2018-02-17', '2027-03-14', '2027-11-07', '2027-04-04', '2027-10-03');
    fc.assert(
      fc.property(zone, fc.oneof(anyDate, turns), fc.integer({ min: 0, max: 1439 }), (timezone, date, minute) => {
        const day = createWallClock(timezone)(date);
        const at = day.firstAt(minute);
        const { starts_at, ends_at } = dayBounds(timezone, date);
        expect(iso(day.rangesOf([{ from: 0, to: 1440 }]))).toEqual(iso([{ from: Date.parse(starts_at), to: Date.parse(ends_at) }]));
        if (at === undefined) return;
        const instant = new Date(at).toISOString();
        expect(localDay(timezone, instant)).toBe(date);
        expect(localTime(timezone, instant)).toBe(`${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`);
        const hourBefore = new Date(at - HOUR).toISOString();
        expect(localDay(timezone, hourBefore) + localTime(timezone, hourBefore)).not.toBe(date + localTime(timezone, instant));
      }),
      { numRuns: 300 },
    );
  });
});
