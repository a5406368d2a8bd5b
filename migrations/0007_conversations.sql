-- previous release: runs
-- What was said, by whom, and what is still to be answered.

create table conversations (
  id text primary key,
  -- Restricted: what was said is never removed by the way; erasure empties it first.
  user_id text not null references user_profiles (id) on delete restrict,
  channel text not null,
  status text not null default 'open' check (status in ('open', 'waiting_person', 'closed')),
  assigned_to text references console_users (id) on delete set null,
  last_message_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index conversations_user on conversations (user_id, created_at);
create index conversations_assigned on conversations (assigned_to) where assigned_to is not null;
create index conversations_latest on conversations (status, last_message_at, id);

create table turns (
  id text primary key,
  conversation_id text not null references conversations (id) on delete cascade,
  status text not null default 'due' check (status in ('due', 'done', 'dropped')),
  due_at timestamptz not null,
  locked_until timestamptz,
  lock_token text,
  attempts integer not null default 0,
  created_at timestamptz not null,
  finished_at timestamptz
);
create unique index turns_open on turns (conversation_id) where status = 'due';
create index turns_due on turns (due_at) where status = 'due';

create table messages (
  id text primary key,
  conversation_id text not null references conversations (id) on delete cascade,
  turn_id text references turns (id) on delete set null,
  -- The channel's own id; the unique row is the dedupe.
  external_id text,
  from_me boolean not null,
  author text not null check (author in ('customer', 'assistant', 'staff', 'system')),
  kind text not null default 'text',
  text text,
  payload json,
  status text not null default 'received' check (status in ('received', 'queued', 'sent', 'delivered', 'read', 'failed')),
  timestamp timestamptz not null,
  received_at timestamptz not null,
  unique (conversation_id, external_id, from_me)
);
create index messages_conversation on messages (conversation_id, timestamp);
create index messages_received on messages (conversation_id, received_at, id);
create index messages_turn on messages (turn_id) where turn_id is not null;

create table context_data (
  user_id text primary key references user_profiles (id) on delete cascade,
  data json not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table ai_memory (
  id text primary key,
  user_id text not null references user_profiles (id) on delete cascade,
  key text not null,
  value text not null,
  source text not null,
  expires_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index ai_memory_user on ai_memory (user_id, key);
