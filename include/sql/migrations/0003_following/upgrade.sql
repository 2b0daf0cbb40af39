-- Whom a parcel is asked of, when it is asked next and why, what its carrier's clocks say, and codes that were mapped later.

-- A parcel is asked of its own carrier, or of an aggregator: its source.
ALTER TABLE ops.poll_plan
ADD COLUMN source text,
ADD COLUMN answered_at timestamptz,
ADD COLUMN state text,
ADD COLUMN state_since timestamptz,
ADD COLUMN news_per_hour double precision,
ADD COLUMN basis text,
ADD COLUMN patience double precision;
UPDATE ops.poll_plan SET source = carrier;
ALTER TABLE ops.poll_plan ALTER COLUMN source SET NOT NULL;
CREATE INDEX ON ops.poll_plan (source, next_poll_at) WHERE next_poll_at IS NOT NULL;

ALTER TABLE ops.poll_request ADD COLUMN source text;
UPDATE ops.poll_request SET source = carrier;
ALTER TABLE ops.poll_request
ALTER COLUMN source SET NOT NULL,
DROP CONSTRAINT poll_request_pkey,
ADD PRIMARY KEY (run_id, source, shard, shipment_id),
DROP CONSTRAINT poll_request_outcome_check,
ADD CONSTRAINT poll_request_outcome_check CHECK (outcome IN ('answered', 'not_found', 'failed', 'not_asked'));

ALTER TABLE core.tracking_event ADD COLUMN clock_disagrees boolean NOT NULL DEFAULT false;

ALTER TABLE quality.unmapped_code ADD COLUMN mapped_at timestamptz;

-- Grain: one row per state of a journey and scope (a service on a lane, a lane, or all): how soon news came out of it in
-- the past. Element i of the arrays is for the ith span of hours since the state began (ops.age_bounds()).
CREATE TABLE ops.news_curve (
    state text NOT NULL,
    scope text NOT NULL,
    exposure_hours double precision [] NOT NULL,
    news double precision [] NOT NULL,
    news_per_hour double precision [] NOT NULL,
    sojourns bigint NOT NULL,
    PRIMARY KEY (state, scope)
);

-- Grain: one row per state of a journey: how much more often than at its mean hour news comes at each hour of the clock
-- where the parcel is. Elements 1 to 24 are the hours of Monday to Friday, 25 to 48 those of the weekend.
CREATE TABLE ops.news_clock (
    state text PRIMARY KEY,
    factor double precision [] NOT NULL CHECK (cardinality(factor) = 48)
);

-- Grain: one row at most: when the curves were last made, and from how many shipments.
CREATE TABLE ops.news_curve_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    made_at timestamptz NOT NULL,
    shipments bigint NOT NULL
);
