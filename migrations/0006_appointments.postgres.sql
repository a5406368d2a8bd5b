-- previous release: runs
-- Visits, and the resource units they occupy. The database has the last word on overlap: an exclusion constraint.

create extension if not exists btree_gist;

create table appointments (
  id text primary key,
  tutor_id text not null references tutors (id) on delete restrict,
  pet_id text not null references pets (id) on delete restrict,
  service_id text not null references services (id) on delete restrict,
  status text not null check (status in ('pending', 'scheduled', 'confirmed', 'arrived', 'in_service', 'ready', 'completed', 'cancelled', 'no_show')),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  price_cents integer check (price_cents >= 0),
  notes text,
  hold_expires_at timestamptz,
  hold_reason text check (hold_reason in ('proposal', 'deposit', 'request')),
  cancel_reason text,
  source text not null default 'api',
  external_id text unique,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check (ends_at > starts_at),
  check (status <> 'pending' or hold_reason is not null)
);
create index appointments_tutor on appointments (tutor_id, starts_at);
create index appointments_pet on appointments (pet_id, starts_at);
create index appointments_starts on appointments (starts_at, id);
create index appointments_service on appointments (service_id);
create index appointments_updated on appointments (updated_at, id);
create index appointments_holds on appointments (hold_expires_at) where status = 'pending';

create table appointment_resources (
  appointment_id text not null references appointments (id) on delete cascade,
  resource_id text not null references resources (id) on delete restrict,
  unit integer not null check (unit >= 1),
  -- Buffers inside; half open.
  busy_from timestamptz not null,
  busy_to timestamptz not null,
  -- False once the visit was cancelled or missed: it then blocks nobody.
  active boolean not null default true,
  primary key (appointment_id, resource_id, unit),
  check (busy_to > busy_from),
  constraint appointment_resources_no_overlap
    exclude using gist (resource_id with =, unit with =, tstzrange(busy_from, busy_to) with &&) where (active)
);
create index appointment_resources_busy on appointment_resources (resource_id, busy_from) where active;

create table appointment_reminders (
  id text primary key,
  appointment_id text not null references appointments (id) on delete cascade,
  kind text not null,
  due_at timestamptz not null,
  status text not null default 'planned' check (status in ('planned', 'sent', 'dropped')),
  reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (appointment_id, kind)
);
create index appointment_reminders_due on appointment_reminders (due_at) where status = 'planned';
