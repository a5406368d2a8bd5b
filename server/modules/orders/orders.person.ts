import type { PersonFace } from '#modules/customers/index';
import { erasePersonsOrders, moveOrders, ordersOf } from './orders.repository.ts';

/** What orders know of a person: exported whole, kept for the books without the person, moved in a merge. */
export const ordersPerson: PersonFace = {
  name: 'orders',
  export: ordersOf,
  erase: (tx, _ctx, personId) => erasePersonsOrders(tx, personId),
  merge: (tx, _ctx, from, into) => moveOrders(tx, from, into),
};
