import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { size as sizes, species as allSpecies } from '#platform/http/schema';
import { type PetFacts, type PricedService, priceOf } from './pricing.ts';

type Row = PricedService['prices'][number];

const COATS = ['curta', 'longa', 'Dupla camada'];
const species = fc.constantFrom(...allSpecies.options);
const size = fc.constantFrom(...sizes.options);
const coat = fc.constantFrom(...COATS);
const cents = fc.integer({ min: 0, max: 50_000 });
const minutes = fc.integer({ min: 1, max: 240 });

const row: fc.Arbitrary<Row> = fc.record({
  species: fc.option(species),
  size: fc.option(size),
  coat: fc.option(coat),
  price_cents: cents,
  duration_minutes: fc.option(minutes),
});
const factsOfRow = (r: Row) => JSON.stringify([r.species, r.size, r.coat]);
const service: fc.Arbitrary<PricedService> = fc.record({
  price_cents: cents,
  duration_minutes: minutes,
  prices: fc.uniqueArray(row, { selector: factsOfRow, maxLength: 8 }),
  species: fc.option(fc.uniqueArray(species, { minLength: 1, maxLength: 7 })),
});
/** Everything is known; the coat may be one that no row names. */
const pet = fc.record({ species, size, coat: fc.constantFrom(...COATS, 'sem pelo') });
const known = fc.record({ species: fc.boolean(), size: fc.boolean(), coat: fc.boolean() });

const bath: PricedService = {
  price_cents: 6000,
  duration_minutes: 60,
  species: ['dog', 'cat'],
  prices: [
    { species: 'dog', size: 'small', coat: null, price_cents: 5000, duration_minutes: 45 },
    { species: 'dog', size: 'giant', coat: null, price_cents: 12_000, duration_minutes: 120 },
    { species: 'dog', size: null, coat: 'longa', price_cents: 8000, duration_minutes: null },
    { species: 'cat', size: null, coat: null, price_cents: 9000, duration_minutes: null },
  ],
};

function forget(facts: Required<PetFacts>, keep: { species: boolean; size: boolean; coat: boolean }): PetFacts {
  return { species: keep.species ? facts.species : undefined, size: keep.size ? facts.size : null, coat: keep.coat ? facts.coat : undefined };
}

describe('priceOf', () => {
  test('reads a price list as people do', () => {
    expect(priceOf(bath, { species: 'dog', size: 'small', coat: 'curta' })).toEqual({ price_cents: 5000, duration_minutes: 45, kind: 'fixed' });
    expect(priceOf(bath, { species: 'dog', size: 'medium', coat: 'curta' })).toEqual({ price_cents: 6000, duration_minutes: 60, kind: 'fixed' });
    expect(priceOf(bath, { species: 'cat' })).toEqual({ price_cents: 9000, duration_minutes: 60, kind: 'fixed' });
    expect(priceOf(bath, { species: 'dog' })).toEqual({ price_cents: 5000, duration_minutes: 120, kind: 'from' });
    expect(priceOf({ ...bath, prices: [] }, {})).toEqual({ price_cents: 6000, duration_minutes: 60, kind: 'fixed' });
  });

  test('of rows that match equally well the first in the list wins', () => {
    expect(priceOf(bath, { species: 'dog', size: 'small', coat: 'longa' }).price_cents).toBe(5000);
    expect(priceOf({ ...bath, prices: bath.prices.toReversed() }, { species: 'dog', size: 'small', coat: 'longa' }).price_cents).toBe(8000);
  });

  test('a coat is compared as it is read', () => {
    expect(priceOf(bath, { species: 'dog', size: 'medium', coat: ' LÓNGA ' }).price_cents).toBe(8000);
  });

  test("a size that every row names leaves the service's own price out", () => {
    const prices = sizes.options.map((s, i): Row => ({ species: null, size: s, coat: null, price_cents: 1000 * (i + 5), duration_minutes: null }));
    expect(priceOf({ ...bath, price_cents: 1, prices }, { species: 'dog' })).toEqual({ price_cents: 5000, duration_minutes: 60, kind: 'from' });
  });

  test('with everything known the row with most matching facts decides', () => {
    fc.assert(
      fc.property(service, pet, (given, facts) => {
        const matches = given.prices.filter((r) => (['species', 'size', 'coat'] as const).every((fact) => r[fact] === null || r[fact] === facts[fact]));
        const count = (r: Row) => [r.species, r.size, r.coat].filter((v) => v !== null).length;
        const best = matches.toSorted((a, b) => count(b) - count(a))[0];
        expect(priceOf(given, facts)).toEqual({
          price_cents: best?.price_cents ?? given.price_cents,
          duration_minutes: best?.duration_minutes ?? given.duration_minutes,
          kind: 'fixed',
        });
      }),
    );
  });

  test('while facts are unknown the price is the lowest, and the time the longest, of all pets it can be', () => {
    fc.assert(
      fc.property(service, pet, known, (given, facts, keep) => {
        const every: PetFacts[] = (keep.species ? [facts.species] : (given.species ?? allSpecies.options)).flatMap((sp) =>
          (keep.size ? [facts.size] : sizes.options).flatMap((sz) =>
            (keep.coat ? [facts.coat] : [...COATS, 'sem pelo']).map((c) => ({ species: sp, size: sz, coat: c })),
          ),
        );
        const all = every.map((one) => priceOf(given, one));
        const prices = new Set(all.map((p) => p.price_cents));
        expect(priceOf(given, forget(facts, keep))).toEqual({
          price_cents: Math.min(...prices),
          duration_minutes: Math.max(...all.map((p) => p.duration_minutes)),
          kind: prices.size === 1 ? 'fixed' : 'from',
        });
      }),
    );
  });

  test('learning more about a pet the service is for never lowers the price it was told', () => {
    fc.assert(
      fc.property(service, pet, known, (given, facts, keep) => {
        fc.pre(given.species === null || given.species.includes(facts.species));
        expect(priceOf(given, facts).price_cents).toBeGreaterThanOrEqual(priceOf(given, forget(facts, keep)).price_cents);
      }),
    );
  });
});
