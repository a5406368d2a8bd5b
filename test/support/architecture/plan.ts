/** The plan the code is held to: who may import whom, and who owns which table. Changed only together with docs/architecture.md. */

const often = ['customers', 'catalog', 'settings', 'conversations'];
const upToCare = ['accounts', 'alerts', 'appointments', 'care', 'catalog', 'conversations', 'customers', 'media', 'numbers', 'orders', 'settings'];

/** The clinic's modules, and the other modules each may import. Nobody imports `assistant`, `integrations` or `reports`. */
export const EDGES: Readonly<Record<string, readonly string[]>> = {
  accounts: [],
  settings: [],
  customers: [],
  catalog: [],
  media: [],
  numbers: ['settings'],
  conversations: ['customers', 'settings', 'numbers', 'media'],
  alerts: ['accounts', 'settings', 'conversations'],
  orders: often,
  appointments: [...often, 'orders'],
  care: [...often, 'orders', 'appointments'],
  campaigns: upToCare,
  assistant: often,
  integrations: [...upToCare, 'campaigns'],
  reports: [...upToCare, 'campaigns'],
};

/** The one module that writes a table; `platform` for what every company has. */
export const OWNERS: Readonly<Record<string, string>> = {
  schema_migrations: 'platform',
  jobs: 'platform',
  events: 'platform',
  instances: 'platform',
  cache_invalidations: 'platform',
  idempotency_keys: 'platform',
  audit_log: 'platform',
  database_identity: 'platform',
  console_users: 'accounts',
  sessions: 'accounts',
  api_keys: 'accounts',
  login_attempts: 'accounts',
  settings: 'settings',
  closed_days: 'settings',
  user_profiles: 'customers',
  identities: 'customers',
  tutors: 'customers',
  pets: 'customers',
  pet_guardians: 'customers',
  consents: 'customers',
  merged_people: 'customers',
  services: 'catalog',
  service_prices: 'catalog',
  service_resources: 'catalog',
  resources: 'catalog',
  products: 'catalog',
  appointments: 'appointments',
  appointment_resources: 'appointments',
  appointment_reminders: 'appointments',
  conversations: 'conversations',
  messages: 'conversations',
  turns: 'conversations',
  context_data: 'conversations',
  orders: 'orders',
  order_items: 'orders',
  payments: 'orders',
  campaigns: 'campaigns',
  campaign_recipients: 'campaigns',
  ai_memory: 'assistant',
};

/** What a module's file may be called, beside `index.ts` and pure ideas with a name of their own (`availability.ts`). */
export const KINDS = ['schemas', 'service', 'repository', 'routes', 'tools', 'jobs', 'person', 'texts', 'cache', 'errors'];

/** Name parts that say nothing. */
export const VAGUE = ['util', 'helper', 'manager', 'common', 'misc', 'base'];
