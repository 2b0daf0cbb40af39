-- Grain: one row per product received in one run. is_available is whether it can be bought now; withdrawn_at since when the
-- shop has it no more.
CREATE UNLOGGED TABLE {staged} (
    staged_row bigint NOT NULL,
    product_id text,
    title text,
    category text,
    unit_price numeric,
    currency text,
    is_available boolean,
    stock_quantity numeric,
    published_at timestamptz,
    changed_in_shop_at timestamptz,
    withdrawn_at timestamptz,
    source_line bigint,
    unreadable text
);
