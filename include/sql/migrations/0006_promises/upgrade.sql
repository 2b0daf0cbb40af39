-- Promises as issued, how they were kept, and the levels that they taught.

-- ------------------------------------------------------------------------------------------------ learned curves

-- Grain: one row per lane, measure and weekday of the start (0 = Monday, in the destination's zone), for the lanes that the
-- learned hazard serves. `curve` as in serving.delivery_time.
CREATE TABLE serving.learned_curve (
    lane text NOT NULL,
    measure text NOT NULL,
    weekday smallint NOT NULL CHECK (weekday BETWEEN 0 AND 6),
    curve double precision [] NOT NULL,
    model_version text NOT NULL,
    PRIMARY KEY (lane, measure, weekday)
);

-- ---------------------------------------------------------------------------------------------------- promises

-- Grain: one row per promise as it was given. Columns are in the order in which mart.issue_promises() makes a row.
-- `age_days` is how long the parcel had been open by then, where the range is of what remained; `lower_level` to `upper_level`
-- the quantile levels that were read; `matures_at` the end of the latest date where the parcel goes; `issued_week` its Monday,
-- UTC. `promise_hash` tells a repetition within the same minute.
CREATE TABLE serving.promise_log (
    promise_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    promise_hash bytea UNIQUE,
    issued_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    issued_week date NOT NULL,
    order_id text CHECK (length(order_id) <= 200),
    tracking_number text CHECK (length(tracking_number) <= 200),
    shipment_id bigint,
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier text,
    service text,
    measure text NOT NULL,
    starts_at timestamptz NOT NULL,
    age_days double precision NOT NULL CHECK (age_days >= 0),
    confidence numeric NOT NULL,
    lane text NOT NULL,
    level text NOT NULL,
    lower_level double precision NOT NULL,
    likely_level double precision NOT NULL,
    upper_level double precision NOT NULL,
    lower_days double precision NOT NULL CHECK (lower_days >= 0),
    likely_days double precision NOT NULL CHECK (likely_days >= lower_days),
    upper_days double precision NOT NULL CHECK (upper_days >= likely_days),
    earliest date NOT NULL,
    likely date NOT NULL CHECK (likely >= earliest),
    latest date NOT NULL CHECK (latest >= likely),
    matures_at timestamptz NOT NULL,
    n bigint NOT NULL,
    basis text NOT NULL,
    coverage numeric,
    model_version text NOT NULL
);
CREATE INDEX promise_log_shipment ON serving.promise_log (shipment_id, measure) WHERE shipment_id IS NOT NULL;
CREATE INDEX promise_log_order ON serving.promise_log (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX promise_log_number ON serving.promise_log (tracking_number) WHERE tracking_number IS NOT NULL;
CREATE INDEX promise_log_week ON serving.promise_log (issued_week, matures_at);
-- The refresh looks for open shipments without a promise.
CREATE INDEX shipment_status_open ON serving.shipment_status (shipment_id) WHERE ended_at IS NULL;

-- Whoever may change the table at all may still only make a promise forget whose it was.
CREATE FUNCTION serving.keep_promise() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reference constant text [] := ARRAY['promise_hash', 'order_id', 'tracking_number', 'shipment_id'];
BEGIN
    IF to_jsonb(new) - reference IS DISTINCT FROM to_jsonb(old) - reference
        OR num_nonnulls(new.promise_hash, new.order_id, new.tracking_number, new.shipment_id) > 0
    THEN
        RAISE EXCEPTION 'promise % is kept as it was issued', old.promise_id
            USING ERRCODE = 'integrity_constraint_violation',
            HINT = 'Issue another promise. Only its references may be taken off, all at once.';
    END IF;
    RETURN new;
END
$$;
CREATE TRIGGER kept_as_issued BEFORE UPDATE ON serving.promise_log
FOR EACH ROW EXECUTE FUNCTION serving.keep_promise();

-- ---------------------------------------------------------------------------------------------------- accuracy

-- Grain: one row per scope (all, a lane level, a destination country, a country lane), measure, confidence and issue week of
-- which all promises have matured. Means of days and losses; `n_timed` promises have a time to compare. What is `fresh` was
-- issued within three days of its clock's start: these teach the levels.
CREATE TABLE serving.promise_accuracy (
    scope text NOT NULL CHECK (scope IN ('all', 'level', 'destination_country', 'lane_country')),
    level text,
    origin_country text,
    destination_country text,
    measure text NOT NULL,
    confidence numeric NOT NULL,
    issued_week date NOT NULL,
    n bigint NOT NULL,
    n_early bigint NOT NULL,
    n_late bigint NOT NULL,
    n_on_dates bigint NOT NULL,
    n_undelivered bigint NOT NULL,
    n_unobserved bigint NOT NULL,
    n_timed bigint NOT NULL,
    mean_width_days double precision,
    mean_days_late double precision,
    pinball_lower double precision,
    pinball_likely double precision,
    pinball_upper double precision,
    fresh_n bigint NOT NULL,
    fresh_early bigint NOT NULL,
    fresh_late bigint NOT NULL,
    fresh_lower_level double precision,
    fresh_upper_level double precision,
    matured_at timestamptz NOT NULL,
    settled_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (scope, level, origin_country, destination_country, measure, confidence, issued_week),
    CHECK (n_early + n_late <= n)
);
CREATE INDEX promise_accuracy_week ON serving.promise_accuracy (issued_week);
CREATE INDEX promise_accuracy_matured ON serving.promise_accuracy (matured_at);

-- Grain: one row per issue week that was settled; a final one is left as it is.
CREATE TABLE serving.promise_settlement (
    issued_week date PRIMARY KEY,
    settled_at timestamptz NOT NULL,
    is_final boolean NOT NULL
);

-- Grain: one row per scope (`all`, `level carrier`, `lane CN → BR`), measure and confidence with at least 30 promises
-- matured in the last 90 days: what the promise says of itself.
CREATE TABLE serving.promise_coverage (
    scope text NOT NULL,
    measure text NOT NULL,
    confidence numeric NOT NULL,
    n bigint NOT NULL,
    coverage numeric NOT NULL CHECK (coverage BETWEEN 0 AND 1),
    PRIMARY KEY (scope, measure, confidence)
);

-- ------------------------------------------------------------------------------------------------------ levels

-- Grain: one row per measure and scope (a destination country, or empty for all): which quantile level is read for a
-- level p, by log-odds: logit(read) = shift + spread x logit(p).
CREATE TABLE serving.promise_level (
    measure text NOT NULL,
    scope text NOT NULL,
    shift double precision NOT NULL,
    spread double precision NOT NULL CHECK (spread > 0),
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (measure, scope)
);

-- Grain: one row per measure, scope and time that the levels moved: to what, and by which cohorts.
CREATE TABLE serving.promise_level_move (
    measure text NOT NULL,
    scope text NOT NULL,
    moved_at timestamptz NOT NULL,
    shift double precision NOT NULL,
    spread double precision NOT NULL,
    lower_level double precision NOT NULL,
    upper_level double precision NOT NULL,
    cohorts integer NOT NULL,
    first_week date NOT NULL,
    last_week date NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (measure, scope, moved_at)
);
