-- previous release: runs
-- Messages to many, each recipient a row with its own outcome and the reason for it.

create table campaigns (
  id text primary key,
  name text not null,
  text text not null,
  variants json,
  audience json not null,
  status text not null default 'draft' check (status in ('draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled')),
  schedule_at timestamptz,
  external_id text unique,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index campaigns_updated on campaigns (updated_at, id);

create table campaign_recipients (
  id text primary key,
  campaign_id text not null references campaigns (id) on delete cascade,
  user_id text not null references user_profiles (id) on delete cascade,
  status text not null default 'planned' check (status in ('planned', 'left_out', 'queued', 'sent', 'delivered', 'read', 'answered', 'failed', 'opted_out')),
  reason text,
  text text,
  message_id text references messages (id) on delete set null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (campaign_id, user_id)
);
create index campaign_recipients_status on campaign_recipients (campaign_id, status, id);
create index campaign_recipients_user on campaign_recipients (user_id);
create index campaign_recipients_message on campaign_recipients (message_id) where message_id is not null;
