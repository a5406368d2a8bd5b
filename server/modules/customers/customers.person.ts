/** This module's own share of a person: profile, pets, ties and consents. */
import { blankPerson, blankPets, forgetTies, handPetsOver } from './erase.repository.ts';
import { readEverything } from './export.repository.ts';
import { moveBelongings } from './merge.repository.ts';
import type { PersonFace } from './person-face.ts';

export const customersFace: PersonFace = {
  name: 'customers',
  export: readEverything,
  async erase(tx, _ctx, personId) {
    await handPetsOver(tx, personId);
    await blankPets(tx, personId);
    await forgetTies(tx, personId);
    await blankPerson(tx, personId);
  },
  merge: (tx, _ctx, from, into) => moveBelongings(tx, from, into),
};
