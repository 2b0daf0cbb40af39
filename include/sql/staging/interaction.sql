-- Grain: one row per interaction received in one run.
CREATE UNLOGGED TABLE {staged} (
    staged_row bigint NOT NULL,
    customer_id text,
    product_id text,
    kind text,
    occurred_at timestamptz,
    quantity numeric,
    value numeric,
    order_id text,
    interaction_hash bigint,
    country text,
    source_line bigint,
    unreadable text
);
