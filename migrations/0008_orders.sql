-- previous release: runs
-- What people buy, and what was paid. Integer cents; an item is a product or a booked service.

create table orders (
  id text primary key,
  -- The short number people say and the PIX carries.
  number integer not null unique,
  user_id text not null references user_profiles (id) on delete restrict,
  status text not null check (status in ('draft', 'pending_payment', 'paid', 'preparing', 'ready', 'delivered', 'cancelled')),
  delivery text not null default 'pickup' check (delivery in ('pickup', 'delivery')),
  address json,
  notes text,
  total_cents integer not null default 0 check (total_cents >= 0),
  external_id text unique,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index orders_user on orders (user_id, created_at);
create index orders_status on orders (status, id);
create index orders_updated on orders (updated_at, id);

create table order_items (
  id text primary key,
  order_id text not null references orders (id) on delete cascade,
  product_id text references products (id) on delete restrict,
  appointment_id text references appointments (id) on delete restrict,
  pet_id text references pets (id) on delete restrict,
  -- Frozen when added.
  description text not null,
  quantity integer not null check (quantity between 1 and 9999),
  unit_price_cents integer not null check (unit_price_cents >= 0),
  created_at timestamptz not null,
  check ((product_id is null) <> (appointment_id is null))
);
create index order_items_order on order_items (order_id, id);
create index order_items_product on order_items (product_id) where product_id is not null;
create index order_items_appointment on order_items (appointment_id) where appointment_id is not null;
create index order_items_pet on order_items (pet_id) where pet_id is not null;

create table payments (
  id text primary key,
  order_id text references orders (id) on delete restrict,
  appointment_id text references appointments (id) on delete restrict,
  method text not null check (method in ('pix', 'card', 'cash')),
  status text not null check (status in ('pending', 'paid', 'review', 'expired', 'failed', 'refunded')),
  amount_cents integer not null check (amount_cents > 0),
  txid text unique,
  br_code text,
  provider text,
  provider_ref text unique,
  expires_at timestamptz,
  paid_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((order_id is null) <> (appointment_id is null))
);
create index payments_order on payments (order_id) where order_id is not null;
create index payments_appointment on payments (appointment_id) where appointment_id is not null;
create index payments_expiry on payments (expires_at) where status = 'pending';
