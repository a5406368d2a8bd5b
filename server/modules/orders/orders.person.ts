import type { PersonFace } from '#modules/customers/index';
import { erasePersonsOrders, moveOrders, ordersOf } from './orders.repository.ts';

/** What orders know of a person: exported whole, kept for the books without the person, moved in a merge. */
export const ordersPerson: PersonFace = {
  name: 'orders',
  export: ordersOf,
  erase: erasePersonsOrders,
  merge: moveOrders,
};
