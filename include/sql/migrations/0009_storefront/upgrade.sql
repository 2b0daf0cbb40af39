-- Customers, products, orders and behaviour as storefronts tell them, and what keeps customers unknown.

-- Grain: one row at most. What the secret of customers' keys makes of a fixed text: keys made with another secret would not be
-- those of the same customers.
CREATE TABLE ops.customer_secret (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    fingerprint text NOT NULL,
    noted_at timestamptz NOT NULL
);

-- Grain: one row per customer who was erased, by pseudonymous key: what is told of them later comes from nobody.
CREATE TABLE ops.erased_customer (
    customer_id text PRIMARY KEY,
    erased_at timestamptz NOT NULL
);

ALTER TABLE core.customer ADD COLUMN country text CHECK (country ~ '^[A-Z]{2}$');

ALTER TABLE core.product
ADD COLUMN title text,
ADD COLUMN category text,
ADD COLUMN unit_price numeric,
ADD COLUMN currency text CHECK (currency ~ '^[A-Z]{3}$'),
ADD COLUMN is_available boolean,
ADD COLUMN stock_quantity numeric,
ADD COLUMN published_at timestamptz,
ADD COLUMN changed_in_shop_at timestamptz,
ADD COLUMN withdrawn_at timestamptz;

ALTER TABLE core.customer_order
ADD COLUMN source text,
ADD COLUMN country text CHECK (country ~ '^[A-Z]{2}$'),
ADD COLUMN region text,
ADD COLUMN cancelled_at timestamptz,
ADD COLUMN changed_in_shop_at timestamptz;
CREATE INDEX ON core.customer_order (ordered_at);

ALTER TABLE core.order_line
ADD COLUMN occurred_at timestamptz,
ADD COLUMN withdrawn_at timestamptz;
CREATE INDEX ON core.order_line (product_id);

ALTER TABLE core.interaction ADD COLUMN country text CHECK (country ~ '^[A-Z]{2}$');
CREATE INDEX ON core.interaction (customer_id);
