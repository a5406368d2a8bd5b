-- previous release: runs
-- People, the tutors they are, their pets, and what they agreed to.

create table user_profiles (
  id text primary key,
  -- E.164 with the ninth digit; empty for people known by an opaque address only.
  phone_number text unique,
  push_name text,
  marketing_opt_out boolean not null default false,
  external_id text unique,
  erased_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index user_profiles_updated on user_profiles (updated_at, id);

create table tutors (
  id text primary key references user_profiles (id) on delete cascade,
  name text,
  email text,
  tax_id text,
  birth_date date,
  address json,
  notes text,
  -- The folded name: what the search looks through, besides phone and e-mail.
  search_name text not null default '',
  archived_at timestamptz,
  -- As in user_profiles; here too, so that a change of this row sees it under the row's own lock.
  erased_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index tutors_updated on tutors (updated_at, id);

create table identities (
  id text primary key,
  person_id text not null references user_profiles (id) on delete cascade,
  channel text not null,
  address text not null,
  kind text not null check (kind in ('phone', 'opaque')),
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  unique (channel, address)
);
create index identities_person on identities (person_id);

create table merged_people (
  id text primary key,
  into_id text not null references user_profiles (id) on delete cascade,
  merged_at timestamptz not null
);
create index merged_people_into on merged_people (into_id);

create table pets (
  id text primary key,
  tutor_id text not null references tutors (id) on delete restrict,
  name text not null,
  species text not null check (species in ('dog', 'cat', 'bird', 'rabbit', 'rodent', 'reptile', 'other')),
  breed text,
  size text check (size in ('small', 'medium', 'large', 'giant')),
  coat text,
  sex text check (sex in ('male', 'female')),
  birth_date date,
  weight_kg double precision check (weight_kg > 0),
  neutered boolean,
  handling_notes text,
  notes text,
  deceased_at timestamptz,
  archived_at timestamptz,
  external_id text unique,
  search_name text not null default '',
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index pets_tutor on pets (tutor_id, id);
create index pets_updated on pets (updated_at, id);

create table pet_guardians (
  pet_id text not null references pets (id) on delete cascade,
  person_id text not null references user_profiles (id) on delete cascade,
  role text not null default 'guardian',
  created_at timestamptz not null,
  primary key (pet_id, person_id)
);
create index pet_guardians_person on pet_guardians (person_id);

create table consents (
  id text primary key,
  person_id text not null references user_profiles (id) on delete cascade,
  purpose text not null check (purpose in ('marketing', 'reminders', 'photos')),
  granted boolean not null,
  source text not null,
  evidence text,
  created_at timestamptz not null
);
create index consents_person on consents (person_id, purpose, id);
