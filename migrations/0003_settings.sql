-- previous release: runs
-- The clinic's settings: one row a section (profile, address, emergency, hours, holidays, pix, policies, …).

create table settings (
  section text primary key,
  -- Null: set back to the default.
  value json,
  version integer not null default 1,
  updated_at timestamptz not null
);

create table closed_days (
  id text primary key,
  date date not null unique,
  name text not null,
  -- Null: closed. Otherwise the exceptional hours of that day.
  hours json,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
