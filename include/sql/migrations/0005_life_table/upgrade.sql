-- Delivery time from all parcels, delivered or not: a period life table of each lane.

-- Both read the quantiles of the plain method; they are made anew after the migration.
DROP VIEW IF EXISTS mart.delivery_time, mart.shipment_status;
DROP FUNCTION IF EXISTS serving.quantile(double precision [], numeric);
DROP FUNCTION IF EXISTS serving.minimum_delivered();

-- Every row is made anew, by the other method, from the spans.
DELETE FROM serving.delivery_time;

-- `curve` holds the share delivered, of those delivered within the horizon, by each of serving.age_bounds(measure), up to the
-- horizon: never falling, 1 at its end. NULL where no parcel in the world was delivered. `points` holds its 5, 10, 25, 50, 75,
-- 90 and 95 % points, in days.
ALTER TABLE serving.delivery_time
DROP COLUMN quantiles,
ADD COLUMN curve double precision [],
ADD COLUMN points double precision [] CHECK (cardinality(points) = 7),
ADD COLUMN p_never_delivered_expired_lost numeric;
-- A refresh writes every lane anew: into free space of its own page.
ALTER TABLE serving.delivery_time SET (fillfactor = 50);

-- Grain: one row at most: what the sums of serving.life_table are weighted by. A span that began on a day counts
-- 2 ^ ((day - epoch) / half_life_days).
CREATE TABLE serving.life_table_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    half_life_days double precision NOT NULL CHECK (half_life_days > 0),
    epoch date NOT NULL,
    built_at timestamptz NOT NULL
);

-- Grain: one row per choice of the half-life and, by lane level, of how much a lane leans on its parents and whether it leans on
-- both where it has two, with its score: the mean
-- log-likelihood per parcel and age bin lived in weeks that it was not fitted on. The latest is in use.
CREATE TABLE serving.life_table_choice (
    choice_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chosen_at timestamptz NOT NULL,
    half_life_days double precision NOT NULL CHECK (half_life_days > 0),
    kappas double precision [] NOT NULL,
    mixed boolean [] NOT NULL,
    score double precision,
    default_score double precision,
    cells bigint NOT NULL
);

-- Grain: one row per lane and measure, at every level. Parents are lanes of the same measure; a lane between regions has two
-- (`parent_id`, `other_parent_id`) and what these two have in common (`ancestor_id`).
CREATE TABLE serving.measured_lane (
    lane_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane text NOT NULL,
    measure text NOT NULL,
    level text NOT NULL,
    specificity smallint NOT NULL,
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier text,
    service text,
    parent_id integer,
    other_parent_id integer,
    ancestor_id integer,
    UNIQUE (lane, measure)
);

-- Grain: one row per measure and combination of places, carrier and service that parcels had, with the lanes that hold it
-- (widest first), and sums over its spans: counts, and days to the end (delivered, or the next step reached), in seconds.
CREATE TABLE serving.leaf_lane (
    leaf_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    measure text NOT NULL,
    lane text NOT NULL,
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier text,
    service text,
    lanes integer [] NOT NULL DEFAULT '{}',
    n bigint NOT NULL DEFAULT 0,
    n_delivered bigint NOT NULL DEFAULT 0,
    n_lost bigint NOT NULL DEFAULT 0,
    seconds numeric NOT NULL DEFAULT 0,
    seconds_squared numeric NOT NULL DEFAULT 0,
    UNIQUE (measure, lane)
) WITH (fillfactor = 70);

-- Grain: one row per shipment and measure that can be measured: when its clock began, from when on it was watched, when it ended
-- and how. Outcomes: delivered (for a leg: the next step reached), lost (ended otherwise: lost, destroyed, returned, on its way
-- back), expired (out of sight), open, ahead (begins later than now: counts nowhere yet). `due_at` is when a time that now
-- lies ahead will have come.
CREATE TABLE serving.journey_span (
    shipment_id bigint NOT NULL,
    leaf_id integer NOT NULL,
    started_at timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    ended_at timestamptz,
    due_at timestamptz,
    outcome text NOT NULL CHECK (outcome IN ('delivered', 'lost', 'expired', 'open', 'ahead')),
    PRIMARY KEY (shipment_id, leaf_id),
    CHECK (entered_at >= started_at AND ended_at >= started_at),
    CHECK ((outcome IN ('open', 'ahead')) = (ended_at IS NULL))
);
CREATE INDEX journey_span_open ON serving.journey_span (leaf_id) INCLUDE (started_at, entered_at) WHERE outcome = 'open';
CREATE INDEX journey_span_due ON serving.journey_span (due_at) WHERE due_at IS NOT NULL;

-- Grain: one row per leaf and age bin in which spans ended or were first watched: sums of their weights, exact. Bins count from
-- 1; the one after the last of serving.age_bounds(measure) holds what lies beyond. `late` are those first watched within.
CREATE TABLE serving.life_table (
    leaf_id integer NOT NULL,
    bin smallint NOT NULL,
    late numeric NOT NULL DEFAULT 0,
    delivered numeric NOT NULL DEFAULT 0,
    lost numeric NOT NULL DEFAULT 0,
    expired numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (leaf_id, bin)
) WITH (fillfactor = 70);

-- Grain: one row per day (UTC) on which spans ended or, while open, began: how many. Evidence ages against the last of them, so
-- that a history of long ago, imported as it is, tells as much as one of today.
CREATE TABLE serving.span_day (
    day date PRIMARY KEY,
    n bigint NOT NULL
);

-- What is known already is measured by the next refresh.
INSERT INTO ops.shipment_change (shipment_id, run_id)
SELECT
    status.shipment_id,
    'migration 0005_life_table'
FROM serving.shipment_status AS status;
