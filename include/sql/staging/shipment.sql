-- Grain: one row per shipment received in one run. `attributes` holds the extra columns, kept as features.
CREATE UNLOGGED TABLE {staged} (
    staged_row bigint NOT NULL,
    order_id text,
    carrier text,
    tracking_number text,
    service text,
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    ordered_at timestamptz,
    shipped_at timestamptz,
    delivered_at timestamptz,
    promised_at timestamptz,
    milestone text,
    attributes jsonb,
    source_line bigint,
    unreadable text
);
