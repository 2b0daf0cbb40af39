-- The tables of the data cloud (schema `ops` is there before, for it holds the migration's own ledger). Views, functions, comments and grants are not here: they are re-applied by every
-- `lanecast migrate` from include/sql/{ops,mart,access}. Postgres 16 and later.

CREATE SCHEMA staging;
CREATE SCHEMA core;
CREATE SCHEMA quality;
CREATE SCHEMA mart;
CREATE SCHEMA serving;

-- ---------------------------------------------------------------------------------------------------------- ops

-- Grain: one row at most. The world's clock: world time runs from world_start at wall_start, `speed` times as fast.
CREATE TABLE ops.clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    world_start timestamptz NOT NULL,
    wall_start timestamptz NOT NULL,
    speed double precision NOT NULL CHECK (speed >= 0)
);

-- Grain: one row per run of a load: a DAG run's pull, an import, a replay.
CREATE TABLE ops.run (
    run_id text PRIMARY KEY,
    run_number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL,
    dataset text NOT NULL,
    source text,
    params jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'loaded', 'stopped', 'failed')),
    as_of timestamptz NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    staged jsonb NOT NULL DEFAULT '{}',
    steps jsonb NOT NULL DEFAULT '{}'
);

-- Grain: one row per part of a large load that has committed while the whole has not: a retry skips it.
CREATE TABLE ops.load_part (
    run_id text NOT NULL,
    dataset text NOT NULL,
    part smallint NOT NULL,
    parts smallint NOT NULL,
    loaded bigint NOT NULL,
    PRIMARY KEY (run_id, dataset, part)
);

-- Grain: one row per answer of a carrier, as stored in the raw store.
CREATE TABLE ops.raw_answer (
    raw_answer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text NOT NULL,
    carrier text NOT NULL,
    file text NOT NULL,
    byte_offset bigint NOT NULL CHECK (byte_offset >= 0),
    byte_length bigint NOT NULL CHECK (byte_length >= 0),
    status smallint,
    tracking_numbers text [] NOT NULL,
    sha256 bytea NOT NULL,
    requested_at timestamptz NOT NULL,
    answered_at timestamptz NOT NULL,
    UNIQUE (file, byte_offset)
);
CREATE INDEX ON ops.raw_answer (run_id, carrier);
CREATE INDEX ON ops.raw_answer USING gin (tracking_numbers);

-- Grain: one row per parcel asked for in a run; shards divide the work among the mapped tasks.
CREATE TABLE ops.poll_request (
    run_id text NOT NULL,
    shipment_id bigint NOT NULL,
    carrier text NOT NULL,
    shard smallint NOT NULL,
    tracking_number text NOT NULL,
    reason text NOT NULL,
    outcome text CHECK (outcome IN ('answered', 'not_found', 'failed')),
    detail text,
    PRIMARY KEY (run_id, carrier, shard, shipment_id)
);

-- Grain: one row per shipment that is followed: when it is asked for next, and why.
CREATE TABLE ops.poll_plan (
    shipment_id bigint PRIMARY KEY,
    carrier text NOT NULL,
    next_poll_at timestamptz,
    reason text NOT NULL,
    last_polled_at timestamptz,
    last_outcome text CHECK (last_outcome IN ('answered', 'not_found', 'failed')),
    polls integer NOT NULL DEFAULT 0,
    polls_without_news integer NOT NULL DEFAULT 0
);
CREATE INDEX ON ops.poll_plan (carrier, next_poll_at) WHERE next_poll_at IS NOT NULL;

-- Grain: one row per shipment changed and not yet refreshed in the marts; consumed by the delivery_time refresh.
CREATE TABLE ops.shipment_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shipment_id bigint NOT NULL,
    run_id text NOT NULL
);

-- --------------------------------------------------------------------------------------------------------- core

-- Grain: one row per country.
CREATE TABLE core.country (
    country text PRIMARY KEY CHECK (country ~ '^[A-Z]{2}$'),
    name text NOT NULL,
    zone text
);

-- Grain: one row per carrier, tracking number and epoch. Carriers recycle numbers: each use is an epoch of its own.
-- Its span and its end are kept here, in a narrow row, for every load of events reads and moves them.
-- A shipment without a tracking number is known by its order id, under carrier `unknown` where none is named.
CREATE TABLE core.shipment_number (
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    epoch smallint NOT NULL CHECK (epoch >= 1),
    shipment_id bigint GENERATED ALWAYS AS IDENTITY,
    opened_at timestamptz NOT NULL,
    first_event_at timestamptz,
    last_event_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (carrier, tracking_number, epoch),
    UNIQUE (shipment_id)
) WITH (fillfactor = 70);

-- Grain: one row per shipment.
CREATE TABLE core.shipment (
    shipment_id bigint PRIMARY KEY,
    carrier text NOT NULL,
    tracking_number text,
    epoch smallint NOT NULL,
    order_id text,
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
    run_id text NOT NULL,
    ingested_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK (delivered_at >= shipped_at)
);
CREATE INDEX ON core.shipment (destination_country, origin_country);
CREATE INDEX ON core.shipment (order_id);
CREATE INDEX ON core.shipment (tracking_number);

-- Grain: one row per tracking event. reported_at is the carrier's own clock reading, cut to the minute.
CREATE TABLE core.tracking_event (
    shipment_id bigint NOT NULL,
    reported_at timestamp NOT NULL,
    event_hash bigint NOT NULL,
    source text NOT NULL,
    code text,
    description text,
    occurred_at timestamptz NOT NULL,
    utc_offset_minutes smallint NOT NULL CHECK (utc_offset_minutes BETWEEN -840 AND 840),
    tz_known text NOT NULL CHECK (tz_known IN ('offset', 'utc', 'place', 'assumed')),
    milestone text NOT NULL,
    reason text,
    country text,
    region text,
    city text,
    raw_answer_id bigint,
    run_number bigint NOT NULL,
    ingested_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (shipment_id, reported_at, event_hash)
) PARTITION BY RANGE (reported_at);

-- Grain: one row per customer, by pseudonymous key.
CREATE TABLE core.customer (
    customer_id text PRIMARY KEY,
    first_seen_at timestamptz,
    run_id text NOT NULL,
    ingested_at timestamptz NOT NULL
);

-- Grain: one row per product.
CREATE TABLE core.product (
    product_id text PRIMARY KEY,
    run_id text NOT NULL,
    ingested_at timestamptz NOT NULL
);

-- Grain: one row per order.
CREATE TABLE core.customer_order (
    order_id text PRIMARY KEY,
    customer_id text,
    ordered_at timestamptz NOT NULL,
    status text,
    currency text CHECK (currency ~ '^[A-Z]{3}$'),
    run_id text NOT NULL,
    ingested_at timestamptz NOT NULL
);
CREATE INDEX ON core.customer_order (customer_id);

-- Grain: one row per order line; line_number counts an order's lines in the order in which the source gave them.
CREATE TABLE core.order_line (
    order_id text NOT NULL,
    line_number integer NOT NULL,
    product_id text NOT NULL,
    quantity numeric NOT NULL,
    unit_price numeric,
    run_id text NOT NULL,
    ingested_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, line_number)
);

-- Grain: one row per view, cart, purchase or return of a product by a customer.
CREATE TABLE core.interaction (
    interaction_hash bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    customer_id text,
    product_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('view', 'cart', 'purchase', 'return')),
    quantity numeric,
    value numeric,
    order_id text,
    run_id text NOT NULL,
    ingested_at timestamptz NOT NULL,
    PRIMARY KEY (occurred_at, interaction_hash)
);

-- ------------------------------------------------------------------------------------------------------ quality

-- Grain: one row per bad row, however often it arrived.
CREATE TABLE quality.quarantined_row (
    quarantined_row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL,
    rule text NOT NULL,
    row_hash bytea NOT NULL,
    severity text NOT NULL CHECK (severity IN ('row', 'batch')),
    reason text NOT NULL,
    row_data jsonb NOT NULL,
    source_file text,
    source_line bigint,
    raw_answer_id bigint,
    first_run_id text NOT NULL,
    last_run_id text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    times_seen bigint NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'dismissed')),
    UNIQUE (dataset, rule, row_hash)
);

-- Grain: one row per run, dataset and rule.
CREATE TABLE quality.validation_result (
    run_id text NOT NULL,
    dataset text NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('row', 'batch', 'warn')),
    expectation text NOT NULL,
    rows_checked bigint NOT NULL,
    rows_failed bigint NOT NULL,
    passed boolean NOT NULL,
    details jsonb,
    validated_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, dataset, rule)
);

-- Grain: one row per run and dataset. The numbers add up, or the run does not commit.
CREATE TABLE quality.reconciliation (
    run_id text NOT NULL,
    dataset text NOT NULL,
    received bigint NOT NULL,
    loaded bigint NOT NULL CHECK (loaded >= 0),
    duplicate bigint NOT NULL CHECK (duplicate >= 0),
    quarantined bigint NOT NULL CHECK (quarantined >= 0),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, dataset),
    CONSTRAINT nothing_vanishes CHECK (received = loaded + duplicate + quarantined)
);

-- Grain: one row per carrier status code that no code table knows.
CREATE TABLE quality.unmapped_code (
    source text NOT NULL,
    code text NOT NULL,
    description text,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    times_seen bigint NOT NULL,
    PRIMARY KEY (source, code)
);

-- ------------------------------------------------------------------------------------------------------ serving

-- Grain: one row per shipment.
CREATE TABLE serving.shipment_status (
    shipment_id bigint PRIMARY KEY,
    order_id text,
    carrier text,
    tracking_number text,
    epoch smallint NOT NULL,
    service text,
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    ordered_at timestamptz,
    shipped_at timestamptz,
    delivered_at timestamptz,
    milestone text NOT NULL,
    milestone_at timestamptz,
    ended_at timestamptz,
    reason text,
    last_place text,
    last_country text,
    refreshed_at timestamptz NOT NULL
);
CREATE INDEX ON serving.shipment_status (destination_country, shipped_at);
CREATE INDEX ON serving.shipment_status (tracking_number);
CREATE INDEX ON serving.shipment_status (order_id);
CREATE INDEX ON serving.shipment_status (origin_country, destination_country, carrier);

-- Grain: one row per lane and measure. `lane` is the key that serving.lane() makes of the six lane columns; the higher
-- `specificity`, the narrower the lane. `quantiles` holds the 0.5 %, 1.0 %, ... 99.5 % points, in days.
CREATE TABLE serving.delivery_time (
    lane text NOT NULL,
    level text NOT NULL,
    specificity smallint NOT NULL,
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier text,
    service text,
    measure text NOT NULL,
    n bigint NOT NULL,
    n_delivered bigint NOT NULL,
    n_in_transit bigint NOT NULL,
    n_lost_or_returned bigint NOT NULL,
    mean_days numeric,
    sd_days numeric,
    quantiles double precision [] CHECK (cardinality(quantiles) = 199),
    p_never_delivered numeric,
    basis text NOT NULL,
    effective_n numeric NOT NULL,
    coverage_90d numeric,
    refreshed_at timestamptz NOT NULL,
    PRIMARY KEY (lane, measure),
    CHECK (n = n_delivered + n_in_transit + n_lost_or_returned)
);
CREATE INDEX ON serving.delivery_time (destination_country, origin_country);
