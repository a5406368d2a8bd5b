-- previous release: runs
-- Console users, their sessions, and API keys. Secrets are stored as digests only.

create table console_users (
  id text primary key,
  email text not null unique,
  name text not null,
  role text not null check (role in ('owner', 'attendant', 'viewer')),
  password_hash text not null,
  disabled_at timestamptz,
  last_login_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table sessions (
  id text primary key,
  user_id text not null references console_users (id) on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- Digest of the network it was opened from: a login from there is not held back by guesses made elsewhere.
  network_digest text not null
);
create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);

create table api_keys (
  id text primary key,
  name text not null,
  key_digest text not null unique,
  prefix text not null,
  scopes json not null,
  -- 'environment' is the API_KEY variable: a changed value replaces it.
  origin text not null default 'created' check (origin in ('created', 'environment')),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null
);
-- One environment key at a time, also when two instances start at once.
create unique index api_keys_environment on api_keys (origin) where origin = 'environment';

-- Password guesses in an open window; `id` is a digest of whom or what they count against.
create table login_attempts (
  id text primary key,
  used integer not null,
  resets_at timestamptz not null
);
create index login_attempts_resets_at on login_attempts (resets_at);
