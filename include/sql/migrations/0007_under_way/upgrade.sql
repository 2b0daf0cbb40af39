-- Journeys under way: how long steps last, how long the rest takes, and which steps stand still.

CREATE INDEX shipment_status_ended ON serving.shipment_status (ended_at);

-- Grain: one row at most: when the tables of this area were last made anew, and from how many shipments: one in so many.
CREATE TABLE serving.under_way_learned (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    learned_at timestamptz NOT NULL,
    shipments bigint NOT NULL,
    one_in bigint NOT NULL
);

-- Grain: one row per step of a journey and lane: how long parcels stay in the step. `lane` is serving.lane()'s key. `hazard`
-- is the cumulative hazard of moving on, in and out of disruptions' way, and `moved_on` the share that moved on, of those that do,
-- both by each of serving.ages().
CREATE TABLE serving.dwell (
    step text NOT NULL,
    lane text NOT NULL,
    specificity smallint NOT NULL,
    level text NOT NULL,
    n bigint NOT NULL CHECK (n >= 0),
    hazard double precision [] NOT NULL,
    moved_on double precision [] NOT NULL,
    p50 double precision,
    p90 double precision,
    p95 double precision,
    refreshed_at timestamptz NOT NULL,
    PRIMARY KEY (step, lane)
);

-- Grain: one row per state of a journey and lane: days left to the door. Row i of `remaining` is for parcels that have been in
-- the state for the ith of serving.landmarks(), column j the jth of serving.remaining_levels(); `n_at` counts the parcels seen.
CREATE TABLE serving.remaining_time (
    state text NOT NULL,
    lane text NOT NULL,
    specificity smallint NOT NULL,
    level text NOT NULL,
    n bigint NOT NULL CHECK (n >= 0),
    n_at double precision [] NOT NULL,
    remaining double precision [] NOT NULL,
    refreshed_at timestamptz NOT NULL,
    PRIMARY KEY (state, lane)
);

-- Grain: one row per open shipment, as of refreshed_at. `remaining` holds the days left at serving.remaining_levels(); NULL where
-- it has none (on its way back, or nothing was ever delivered). A parcel is stuck from stuck_at on.
CREATE TABLE serving.shipment_eta (
    shipment_id bigint PRIMARY KEY,
    milestone text NOT NULL,
    milestone_at timestamptz,
    step text NOT NULL,
    state text NOT NULL,
    country text,
    region text,
    since timestamptz NOT NULL,
    state_since timestamptz NOT NULL,
    last_scan_at timestamptz,
    is_in_sight boolean NOT NULL,
    reason text,
    remaining double precision [],
    level text,
    basis text NOT NULL,
    n bigint NOT NULL,
    stuck_at timestamptz,
    dwell_p95 double precision,
    stays_longer double precision,
    refreshed_at timestamptz NOT NULL
);

-- Grain: one row per day of the place's own clock, step, place and lane: parcels that moved on, and how many were expected to by
-- the time they had spent there, before the kind of day (as in serving.day_factor) is looked at.
CREATE TABLE serving.step_day (
    day date NOT NULL,
    step text NOT NULL,
    country text NOT NULL,
    region text NOT NULL,
    origin_country text NOT NULL,
    destination_country text NOT NULL,
    day_kind smallint NOT NULL CHECK (day_kind BETWEEN 1 AND 9),
    observed integer NOT NULL CHECK (observed >= 0),
    expected double precision NOT NULL CHECK (expected >= 0),
    PRIMARY KEY (day, step, country, region, origin_country, destination_country)
);

-- Grain: one row per country and public holiday of the whole country.
CREATE TABLE serving.holiday (
    country text NOT NULL,
    day date NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (country, day)
);

-- Grain: one row per year and country for which serving.holiday is complete (as far as holidays are known).
CREATE TABLE serving.holiday_year (
    country text NOT NULL,
    year smallint NOT NULL,
    PRIMARY KEY (country, year)
);

-- Grain: one row per step, country and kind of day (1 to 7 for Monday to Sunday, 8 a holiday, 9 the first working day after one):
-- how many times the exits of a mean day. `unsure` is the factor's standard error, as a share of it.
CREATE TABLE serving.day_factor (
    step text NOT NULL,
    country text NOT NULL,
    day_kind smallint NOT NULL CHECK (day_kind BETWEEN 1 AND 9),
    factor double precision NOT NULL CHECK (factor > 0),
    unsure double precision NOT NULL CHECK (unsure >= 0),
    PRIMARY KEY (step, country, day_kind)
);

-- Grain: one row per step and kind of cell: the variance of a day's exits beyond Poisson's, as a multiple of their mean squared.
CREATE TABLE serving.step_noise (
    step text NOT NULL,
    cell text NOT NULL CHECK (cell IN ('country', 'region', 'lane')),
    extra_variance double precision NOT NULL CHECK (extra_variance >= 0),
    cell_days bigint NOT NULL,
    PRIMARY KEY (step, cell)
);

-- Grain: one row per episode of a disruption: a step in a cell (a country, a region, or a lane between two countries).
CREATE TABLE serving.disruption (
    disruption_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cell text NOT NULL CHECK (cell IN ('country', 'region', 'lane')),
    country text NOT NULL,
    region text NOT NULL,
    origin_country text NOT NULL,
    destination_country text NOT NULL,
    step text NOT NULL,
    part_of bigint REFERENCES serving.disruption ON DELETE SET NULL,
    started_on date NOT NULL,
    alarmed_at timestamptz NOT NULL,
    ended_on date,
    ended_at timestamptz,
    observed bigint NOT NULL,
    expected double precision NOT NULL,
    probability double precision NOT NULL,
    parcels_caught bigint NOT NULL DEFAULT 0,
    extra_days double precision,
    reasons jsonb NOT NULL DEFAULT '{}',
    refreshed_at timestamptz NOT NULL,
    CHECK ((ended_at IS NULL) = (ended_on IS NULL)),
    CHECK (ended_on >= started_on)
);
CREATE UNIQUE INDEX disruption_open ON serving.disruption (cell, country, region, origin_country, destination_country, step)
WHERE ended_at IS NULL;
