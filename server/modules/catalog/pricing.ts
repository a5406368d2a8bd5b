/** What a service costs and how long it takes for a pet of which we may not know everything yet. Pure. */
import { species as speciesOf, size as sizeOf } from '#platform/http/schema';
import { fold } from '#platform/text';
import type { Service, ServicePrice } from './services.schemas.ts';

/** What is known about the pet; null and undefined: not known. */
export interface PetFacts {
  species?: Service['prices'][number]['species'] | undefined;
  size?: Service['prices'][number]['size'] | undefined;
  coat?: string | null | undefined;
}

export interface Price {
  /** Integer cents; the lowest possible while facts that would decide are unknown. */
  price_cents: number;
  /** The longest possible while facts that would decide are unknown, so that a time offered holds for any pet. */
  duration_minutes: number;
  /** `from`: other prices are possible, depending on what is not known. */
  kind: 'fixed' | 'from';
}

export type PricedService = Pick<Service, 'price_cents' | 'duration_minutes' | 'prices' | 'species'>;

/** One price row or the service itself, its coat folded: coats are free words, and compare as people read them. */
type Row = Pick<ServicePrice, 'species' | 'size' | 'coat' | 'price_cents' | 'duration_minutes'>;
interface Pet {
  species: string;
  size: string;
  coat: string;
}

/** Stands for any coat no row names. */
const ANOTHER_COAT = '\0';

/**
 * The row with most matching facts wins, the first in the list among equals; without a matching row the service's own price holds.
 * A fact that is not known may have any value: species within the service's, sizes, and any coat, named by a row or not.
 */
export function priceOf(service: PricedService, facts: PetFacts): Price {
  const rows: Row[] = service.prices.map((row) => ({ ...row, coat: row.coat === null ? null : fold(row.coat) }));
  const base: Row = { species: null, size: null, coat: null, price_cents: service.price_cents, duration_minutes: null };
  const outcomes = possiblePets(service, rows, facts).map((pet) => winner(rows, pet) ?? base);
  const cents = outcomes.map((row) => row.price_cents);
  const lowest = Math.min(...cents);
  return {
    price_cents: lowest,
    duration_minutes: Math.max(...outcomes.map((row) => row.duration_minutes ?? service.duration_minutes)),
    kind: Math.max(...cents) === lowest ? 'fixed' : 'from',
  };
}

function winner(rows: readonly Row[], pet: Pet): Row | undefined {
  let best: Row | undefined;
  let most = -1;
  for (const row of rows) {
    const count = matching(row, pet);
    if (count > most) [best, most] = [row, count];
  }
  return best;
}

/** How many facts of the pet the row names; -1 when one of them is another. */
function matching(row: Row, pet: Pet): number {
  let count = 0;
  for (const fact of ['species', 'size', 'coat'] as const) {
    if (row[fact] === null) continue;
    if (row[fact] !== pet[fact]) return -1;
    count++;
  }
  return count;
}

/** Every pet the facts allow, as far as the rows can tell them apart. */
function possiblePets(service: PricedService, rows: readonly Row[], facts: PetFacts): Pet[] {
  const decides = (fact: keyof Pet) => rows.some((row) => row[fact] !== null);
  const values = (fact: keyof Pet, known: string | undefined, all: readonly string[]) => {
    if (known !== undefined) return [known];
    return decides(fact) ? all : all.slice(0, 1);
  };
  const coats = [ANOTHER_COAT, ...new Set(rows.flatMap((row) => row.coat ?? []))];
  const ofSpecies = values('species', facts.species ?? undefined, service.species ?? speciesOf.options);
  const ofSize = values('size', facts.size ?? undefined, sizeOf.options);
  const ofCoat = values('coat', facts.coat ? fold(facts.coat) : undefined, coats);
  return ofSpecies.flatMap((species) => ofSize.flatMap((size) => ofCoat.map((coat) => ({ species, size, coat }))));
}
