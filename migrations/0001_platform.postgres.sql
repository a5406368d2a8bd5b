-- previous release: runs
-- What any company would need: instances that follow each other, events, jobs, idempotency, audit.

create table database_identity (
  -- One row: what tells this database's cache entries from any other's.
  one_row boolean primary key default true check (one_row),
  id text not null
);

create table instances (
  id text primary key,
  name text not null,
  started_at timestamptz not null,
  heartbeat_at timestamptz not null,
  cache_state text not null default 'down' check (cache_state in ('redis', 'memory', 'down'))
);

create table cache_invalidations (
  seq bigint generated always as identity primary key,
  topics json not null,
  instance_id text not null,
  created_at timestamptz not null
);
create index cache_invalidations_created_at on cache_invalidations (created_at);

create table events (
  seq bigint generated always as identity primary key,
  id text not null unique,
  type text not null,
  -- Ids only, never a text or a phone: the console and outgoing webhooks read these rows.
  subject json not null,
  created_at timestamptz not null
);
create index events_created_at on events (created_at);

create table jobs (
  id text primary key,
  kind text not null,
  payload json not null,
  status text not null default 'ready' check (status in ('ready', 'done', 'dead')),
  priority integer not null default 100,
  run_at timestamptz not null,
  attempts integer not null default 0 check (attempts >= 0),
  max_attempts integer not null default 8 check (max_attempts > 0),
  locked_until timestamptz,
  lock_token text,
  dedupe_key text unique,
  last_error text,
  result json,
  created_at timestamptz not null,
  finished_at timestamptz
);
create index jobs_ready on jobs (priority, run_at) where status = 'ready';
create index jobs_finished on jobs (finished_at) where status <> 'ready';

create table idempotency_keys (
  id text primary key,
  request_digest text not null,
  lock_token text not null,
  locked_until timestamptz not null,
  status integer,
  body text,
  created_at timestamptz not null
);
create index idempotency_keys_created_at on idempotency_keys (created_at);

create table audit_log (
  id text primary key,
  at timestamptz not null,
  actor_kind text not null,
  actor_id text,
  action text not null,
  entity text not null,
  entity_id text not null,
  -- Whom the row is about, so that an erasure finds it.
  person_id text,
  changes json,
  trace text not null
);
create index audit_log_entity on audit_log (entity, entity_id, id);
create index audit_log_person on audit_log (person_id) where person_id is not null;
