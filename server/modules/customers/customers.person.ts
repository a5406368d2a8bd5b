/** This module's own share of a person: profile, pets, ties and consents. */
import { blankPerson, blankPets, forgetTies, handPetsOver } from './erase.repository.ts';
import { readEverything } from './export.repository.ts';
import { moveBelongings } from './merge.repository.ts';
import type { PersonFace } from './person-face.ts';

export const customersFace: PersonFace = {
  name: 'customers',
  export: readEverything,
  async erase(tx, ctx, personId) {
    await handPetsOver(tx, ctx, personId);
    await blankPets(tx, ctx, personId);
    await forgetTies(tx, personId);
    await blankPerson(tx, ctx, personId);
  },
  merge: moveBelongings,
};
