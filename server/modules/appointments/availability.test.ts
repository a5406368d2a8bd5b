import { describe, expect, test } from 'vitest';
import type { Opening, WeekHours } from '#modules/settings/index';
import { checkStart, freeSlots, pickUnit } from './availability.ts';
import type { BookableResource, BusySpan, SlotRequest } from './availability.ts';

function week(weekdays: string[], sat: string[] = [], sun: string[] = []): WeekHours {
  return { mon: weekdays, tue: weekdays, wed: weekdays, thu: weekdays, fri: weekdays, sat, sun };
}

const opening: Opening = {
  timezone: 'America/Sao_Paulo',
  hours: week(['08:00-10:00', '13:00-14:00'], ['08:00-09:00']),
  holidays: { closed_national: true, optional: [] },
  closed_days: [],
  open_days: [],
};
const bath: BookableResource = { id: 'r1', name: 'Banho', capacity: 1 };

/** Wednesday 3 February 2027 in São Paulo, asked on the Monday before. */
function request(more: Partial<SlotRequest> = {}): SlotRequest {
  return {
    opening,
    resources: [bath],
    busy: [],
    from: '2027-02-03',
    to: '2027-02-03',
    now: '2027-02-01T12:00:00.000Z',
    lead_minutes: 0,
    horizon_days: 400,
    duration_minutes: 60,
    buffer_before_minutes: 0,
    buffer_after_minutes: 0,
    grid_minutes: 30,
    ...more,
  };
}

/** Local times of São Paulo without daylight saving. */
function local(date: string, time: string): string {
  return new Date(`${date}T${time}:00-03:00`).toISOString();
}

function busy(from: string, to: string, unit = 1, resource_id = 'r1'): BusySpan {
  return { resource_id, unit, busy_from: local('2027-02-03', from), busy_to: local('2027-02-03', to) };
}

function starts(more: Partial<SlotRequest> = {}): string[] {
  return freeSlots(request(more)).map(({ starts_at }) => new Date(Date.parse(starts_at) - 3 * 3_600_000).toISOString().slice(11, 16));
}

describe('freeSlots', () => {
  test('answers the contract’s shape', () => {
    expect(freeSlots(request({ limit: 1 }))).toEqual([
      { starts_at: '2027-02-03T11:00:00.000Z', ends_at: '2027-02-03T12:00:00.000Z', resource_id: 'r1', resource_name: 'Banho' },
    ]);
  });

  const table: [string, Partial<SlotRequest>, string[]][] = [
    ['an empty day', {}, ['08:00', '08:30', '09:00', '13:00']],
    ['a service longer than any span', { duration_minutes: 121 }, []],
    ['a service as long as a span', { duration_minutes: 120 }, ['08:00']],
    ['a taken hour, touching what is beside it', { busy: [busy('09:00', '10:00')] }, ['08:00', '13:00']],
    ['a taken minute', { busy: [busy('08:59', '09:00')] }, ['09:00', '13:00']],
    [
      'spans nested, doubled and out of order',
      { busy: [busy('13:10', '13:20'), busy('08:00', '09:00'), busy('08:10', '08:20'), busy('13:10', '13:20')] },
      ['09:00'],
    ],
    ['an empty span takes nothing', { busy: [busy('08:30', '08:30')] }, ['08:00', '08:30', '09:00', '13:00']],
    ['another resource’s span takes nothing', { busy: [busy('08:00', '14:00', 1, 'r2')] }, ['08:00', '08:30', '09:00', '13:00']],
    ['a buffer after runs into what follows', { buffer_after_minutes: 10, busy: [busy('09:30', '10:00')] }, ['08:00', '13:00']],
    ['a buffer before runs into what went before', { buffer_before_minutes: 10, busy: [busy('07:00', '08:30')] }, ['09:00', '13:00']],
    ['buffers may lie outside the hours', { duration_minutes: 120, buffer_before_minutes: 30, buffer_after_minutes: 30 }, ['08:00']],
    ['a grid that does not divide the span', { grid_minutes: 25 }, ['08:00', '08:25', '08:50', '13:00']],
    [
      'a grid of odd minutes, ended by odd minutes',
      { grid_minutes: 9, duration_minutes: 51, busy: [busy('09:00', '12:00')] },
      ['08:00', '08:09', '13:00', '13:09'],
    ],
    ['now cuts off the past', { now: local('2027-02-03', '08:30') }, ['08:30', '09:00', '13:00']],
    ['a millisecond late is late', { now: '2027-02-03T11:30:00.001Z' }, ['09:00', '13:00']],
    ['lead time', { now: local('2027-02-03', '08:30'), lead_minutes: 31 }, ['13:00']],
    ['lead time past the day', { lead_minutes: 3 * 24 * 60 }, []],
    ['horizon reaches to the end of its day', { horizon_days: 2 }, ['08:00', '08:30', '09:00', '13:00']],
    ['beyond the horizon', { horizon_days: 1 }, []],
    ['a closed Sunday', { from: '2027-02-07', to: '2027-02-07' }, []],
    ['a holiday', { from: '2027-04-21', to: '2027-04-21' }, []],
    ['days the wrong way round', { from: '2027-02-04' }, []],
    [
      'several days',
      { from: '2027-02-05', to: '2027-02-08', duration_minutes: 50, grid_minutes: 60 },
      ['08:00', '09:00', '13:00', '08:00', '08:00', '09:00', '13:00'],
    ],
    ['a limit', { limit: 2 }, ['08:00', '08:30']],
    ['a limit of none', { limit: 0 }, []],
    ['no resource', { resources: [] }, []],
    ['a resource that is not among them', { resource_id: 'r9' }, []],
  ];
  test.each(table)('%s', (_, more, expected) => {
    expect(starts(more)).toEqual(expected);
  });

  test('a tub for two is free until both places are taken', () => {
    const resources = [{ ...bath, capacity: 2 }];
    expect(starts({ resources, busy: [busy('08:00', '14:00', 2)] })).toEqual(['08:00', '08:30', '09:00', '13:00']);
    expect(starts({ resources, busy: [busy('08:00', '14:00', 2), busy('08:00', '09:00')] })).toEqual(['09:00', '13:00']);
    expect(starts({ busy: [busy('08:00', '14:00', 2)] }), 'a place that no longer exists').toHaveLength(4);
  });

  test('each free resource is offered, by time and then by name', () => {
    const resources = [
      { id: 'a', name: 'Rex', capacity: 1 },
      { id: 'c', name: 'Ana', capacity: 1 },
      { id: 'b', name: 'Ana', capacity: 3 },
    ];
    const found = freeSlots(request({ resources, busy: [busy('08:00', '09:00', 1, 'c')], grid_minutes: 60 }));
    expect(found.map(({ starts_at, resource_id }) => `${starts_at.slice(11, 13)} ${resource_id}`)).toEqual([
      '11 b',
      '11 a',
      '12 b',
      '12 c',
      '12 a',
      '16 b',
      '16 c',
      '16 a',
    ]);
    expect(freeSlots(request({ resources, resource_id: 'c', limit: 1 }))[0]?.resource_id).toBe('c');
  });

  test('own hours count inside the clinic’s, on the clinic’s grid', () => {
    expect(starts({ resources: [{ ...bath, hours: week(['07:00-09:40', '13:00-24:00']) }], duration_minutes: 40 })).toEqual([
      '08:00',
      '08:30',
      '09:00',
      '13:00',
    ]);
    expect(starts({ resources: [{ ...bath, hours: week(['08:10-09:10']) }], duration_minutes: 30 })).toEqual(['08:30']);
    expect(starts({ resources: [{ ...bath, hours: week([]) }] })).toEqual([]);
    expect(starts({ resources: [{ ...bath, hours: null }] })).toHaveLength(4);
  });

  test('an exceptional opening is offered, and own hours still hold on it', () => {
    const festive = { ...opening, open_days: [{ date: '2027-02-07', hours: ['09:00-11:00'] }] };
    const sunday = { opening: festive, from: '2027-02-07', to: '2027-02-07' };
    expect(starts(sunday)).toEqual(['09:00', '09:30', '10:00']);
    expect(starts({ ...sunday, resources: [{ ...bath, hours: week(['08:00-18:00']) }] })).toEqual([]);
  });

  test('a service is not stretched over a change of the clock', () => {
    const night = { ...opening, timezone: 'America/New_York', hours: week([], [], ['01:00-04:00']) };
    const found = (date: string) =>
      freeSlots(request({ opening: night, from: date, to: date, grid_minutes: 60 })).map(
        ({ starts_at, ends_at }) => `${starts_at.slice(11, 16)}-${ends_at.slice(11, 16)}`,
      );
    expect(found('2027-03-07')).toEqual(['06:00-07:00', '07:00-08:00', '08:00-09:00']);
    expect(found('2027-03-14')).toEqual(['06:00-07:00', '07:00-08:00']);
    expect(found('2027-11-07')).toEqual(['05:00-06:00', '07:00-08:00', '08:00-09:00']);
  });

  test('a duration or a grid of nothing is a mistake of the caller', () => {
    expect(() => freeSlots(request({ duration_minutes: 0 }))).toThrow(RangeError);
    expect(() => freeSlots(request({ grid_minutes: 0 }))).toThrow(RangeError);
  });

  test('leaves what it was given as it was', () => {
    const given = request({
      resources: [
        { ...bath, name: 'Z' },
        { ...bath, id: 'r0' },
      ],
      busy: [busy('09:00', '10:00'), busy('08:00', '09:00')],
    });
    const before = structuredClone(given);
    freeSlots(given);
    expect(given).toEqual(before);
  });
});

describe('checkStart', () => {
  const { from: _from, to: _to, grid_minutes: _grid, ...base } = request({ now: local('2027-02-03', '07:00'), lead_minutes: 60, horizon_days: 10 });

  test.each([
    ['2027-02-03', '08:00', undefined],
    ['2027-02-03', '08:07', undefined],
    ['2027-02-03', '09:00', undefined],
    ['2027-02-03', '06:59', 'past'],
    ['2027-02-03', '07:59', 'lead_time'],
    ['2027-02-14', '08:00', 'horizon'],
    ['2027-02-07', '08:00', 'closed'],
    ['2027-02-03', '09:01', 'outside_hours'],
    ['2027-02-03', '11:00', 'outside_hours'],
    ['2027-02-03', '23:59', 'outside_hours'],
    ['2027-02-04', '08:30', 'taken'],
  ] as const)('%s %s: %s', (date, time, fault) => {
    const taken = { resource_id: 'r1', unit: 1, busy_from: local('2027-02-04', '09:29'), busy_to: local('2027-02-04', '10:00') };
    expect(checkStart({ ...base, busy: [taken], starts_at: local(date, time) })).toBe(fault);
  });

  test('reads a start in any offset', () => {
    expect(checkStart({ ...base, starts_at: '2027-02-03T08:30:00-03:00' })).toBeUndefined();
  });

  test('outside the hours of everyone who could serve, or taken when nobody could at all', () => {
    const starts_at = local('2027-02-03', '13:00');
    expect(checkStart({ ...base, resources: [{ ...bath, hours: week(['08:00-09:00']) }], starts_at })).toBe('outside_hours');
    expect(
      checkStart({
        ...base,
        resources: [
          { ...bath, hours: week(['08:00-09:00']) },
          { ...bath, id: 'r2' },
        ],
        starts_at,
      }),
    ).toBeUndefined();
    expect(checkStart({ ...base, resource_id: 'r9', starts_at })).toBe('taken');
  });
});

describe('pickUnit', () => {
  const tub = { id: 'r1', capacity: 3 };
  const spans = [busy('08:00', '09:00', 1), busy('08:30', '09:00', 2), busy('08:00', '10:00', 1, 'r2')];

  test.each([
    ['07:00', '08:00', 1],
    ['08:00', '08:30', 2],
    ['08:00', '08:31', 3],
    ['09:00', '10:00', 1],
  ])('%s to %s: unit %s', (from, to, unit) => {
    expect(pickUnit(tub, spans, local('2027-02-03', from), local('2027-02-03', to))).toBe(unit);
  });

  test('none when all are busy', () => {
    expect(pickUnit({ ...tub, capacity: 2 }, spans, local('2027-02-03', '08:45'), local('2027-02-03', '09:15'))).toBeUndefined();
  });
});
