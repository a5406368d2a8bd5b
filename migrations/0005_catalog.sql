-- previous release: runs
-- What the clinic does and sells. Resources (people, tubs, rooms) are what a service occupies.

create table services (
  id text primary key,
  name text not null,
  description text,
  duration_minutes integer not null check (duration_minutes between 1 and 1440),
  price_cents integer not null check (price_cents >= 0),
  buffer_before_minutes integer not null default 0 check (buffer_before_minutes between 0 and 240),
  buffer_after_minutes integer not null default 0 check (buffer_after_minutes between 0 and 240),
  species json,
  requires json,
  booking text not null default 'auto' check (booking in ('auto', 'request', 'staff')),
  instructions text,
  archived_at timestamptz,
  external_id text unique,
  search_name text not null default '',
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index services_updated on services (updated_at, id);

create table service_prices (
  id text primary key,
  service_id text not null references services (id) on delete cascade,
  species text,
  size text,
  coat text,
  price_cents integer not null check (price_cents >= 0),
  duration_minutes integer check (duration_minutes between 1 and 1440),
  position integer not null
);
create index service_prices_service on service_prices (service_id, position);

create table resources (
  id text primary key,
  name text not null,
  kind text not null default 'other' check (kind in ('vet', 'groomer', 'tub', 'room', 'equipment', 'other')),
  capacity integer not null default 1 check (capacity between 1 and 100),
  -- Own hours inside the clinic's; null: the clinic's.
  hours json,
  archived_at timestamptz,
  external_id text unique,
  search_name text not null default '',
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index resources_updated on resources (updated_at, id);

create table service_resources (
  service_id text not null references services (id) on delete cascade,
  resource_id text not null references resources (id) on delete restrict,
  position integer not null,
  primary key (service_id, resource_id)
);
create index service_resources_resource on service_resources (resource_id);

create table products (
  id text primary key,
  name text not null,
  description text,
  price_cents integer not null check (price_cents >= 0),
  -- Null: not counted.
  stock_quantity integer check (stock_quantity >= 0),
  species json,
  min_weight_kg double precision check (min_weight_kg >= 0),
  max_weight_kg double precision check (max_weight_kg > 0),
  sale text not null default 'free' check (sale in ('free', 'ask_staff', 'prescription')),
  archived_at timestamptz,
  external_id text unique,
  search_name text not null default '',
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check (min_weight_kg is null or max_weight_kg is null or min_weight_kg <= max_weight_kg)
);
create index products_updated on products (updated_at, id);
