-- The learned hazard: its versions, how well each did, and what it takes to use one again.

-- Grain: one row per training. `trained_at` is the moment up to which it knew what happened (ops.as_of()), `recorded_at` the wall
-- clock. Status: trained (not in use yet), serving, refused (the life table is as good everywhere), retired (another took
-- over), none (no model could be made). `reason` says why, in words.
CREATE TABLE serving.delivery_model (
    version text PRIMARY KEY,
    trained_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('trained', 'serving', 'refused', 'retired', 'none')),
    reason text NOT NULL,
    shipments bigint NOT NULL,
    delivered bigint NOT NULL,
    first_started_at timestamptz,
    last_started_at timestamptz,
    seconds double precision NOT NULL,
    settings jsonb NOT NULL,
    features text [] NOT NULL,
    lanes integer NOT NULL DEFAULT 0,
    curves integer NOT NULL DEFAULT 0,
    published_at timestamptz
);
CREATE UNIQUE INDEX delivery_model_serving ON serving.delivery_model (status) WHERE status = 'serving';

-- Grain: one row per training, measure and group of lanes (all, those to a country, those between two countries) with enough
-- orders that matured. Losses are means of days over the same orders, which no model had seen; `informed_pinball` is that of the
-- hazard told each order's own features, and `informed_serves` whether open shipments get curves by these; `learned_share` the
-- weight of the learned hazard in what serves a lane.
CREATE TABLE serving.delivery_model_score (
    version text NOT NULL REFERENCES serving.delivery_model (version) ON DELETE CASCADE,
    measure text NOT NULL,
    origin_country text,
    destination_country text,
    n bigint NOT NULL,
    floor_pinball double precision NOT NULL,
    floor_coverage double precision NOT NULL,
    floor_width double precision NOT NULL,
    learned_pinball double precision NOT NULL,
    learned_coverage double precision NOT NULL,
    learned_width double precision NOT NULL,
    mixture_pinball double precision NOT NULL,
    mixture_coverage double precision NOT NULL,
    mixture_width double precision NOT NULL,
    informed_pinball double precision NOT NULL,
    learned_share double precision NOT NULL CHECK (learned_share BETWEEN 0 AND 1),
    why text NOT NULL,
    informed_serves boolean NOT NULL,
    informed_why text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (version, measure, origin_country, destination_country)
);

-- Grain: one row per training and measure, for the last versions: the model, compressed already.
CREATE TABLE serving.delivery_model_file (
    version text NOT NULL REFERENCES serving.delivery_model (version) ON DELETE CASCADE,
    measure text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (version, measure)
);
ALTER TABLE serving.delivery_model_file ALTER COLUMN content SET STORAGE EXTERNAL;

-- Grain: one row per open shipment and clock that has begun, where the learned hazard told its own features serves. `curve` as in
-- serving.delivery_time, counted from `starts_at`. It is read only where `model_version` is in use and the clock still starts then.
CREATE TABLE serving.learned_shipment_curve (
    shipment_id bigint NOT NULL REFERENCES serving.shipment_status (shipment_id) ON DELETE CASCADE,
    measure text NOT NULL,
    starts_at timestamptz NOT NULL,
    curve double precision [] NOT NULL,
    model_version text NOT NULL,
    PRIMARY KEY (shipment_id, measure)
);
