-- What it takes to trust the data: rows that come back from quarantine, counts of the source, feeds over time, alerts.

-- ---------------------------------------------------------------------------------------------------- quarantine

-- A row is replayed when a run took it through the gate again and the gate let it pass; superseded when it was mended and
-- the mended row (superseded_by) was put aside in its turn.
ALTER TABLE quality.quarantined_row
ADD COLUMN replays integer NOT NULL DEFAULT 0,
ADD COLUMN replay_run_id text,
ADD COLUMN replayed_at timestamptz,
ADD COLUMN superseded_by bigint,
DROP CONSTRAINT quarantined_row_status_check,
ADD CONSTRAINT quarantined_row_status_check CHECK (status IN ('open', 'replayed', 'superseded', 'dismissed'));
CREATE INDEX ON quality.quarantined_row (dataset, rule, status);
CREATE INDEX ON quality.quarantined_row (last_run_id);

-- ------------------------------------------------------------------------------------------------- reconciliation

-- source_count is what the source held, counted where it was read and not where it was staged.
ALTER TABLE quality.reconciliation ADD COLUMN source_count bigint;
UPDATE quality.reconciliation SET source_count = received;
ALTER TABLE quality.reconciliation
ALTER COLUMN source_count SET NOT NULL,
ADD CONSTRAINT nothing_lost_on_the_way CHECK (source_count = received);

-- --------------------------------------------------------------------------------------------------------- feeds

-- Grain: one row per source of tracking events and hour of ops.as_of(): what pulls brought in that hour.
CREATE TABLE quality.feed_hour (
    source text NOT NULL,
    hour timestamptz NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    loaded bigint NOT NULL DEFAULT 0,
    unmapped bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (source, hour)
);

-- -------------------------------------------------------------------------------------------------------- alerts

-- Grain: one row per alert: one cause (dataset, rule and what it is about), from when it was seen until it was gone.
CREATE TABLE quality.alert (
    alert_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    dataset text NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL DEFAULT '',
    severity text NOT NULL CHECK (severity IN ('critical', 'warning')),
    message text NOT NULL,
    run_id text,
    opened_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    times_seen bigint NOT NULL DEFAULT 1,
    resolved_at timestamptz,
    told_opened_at timestamptz,
    told_resolved_at timestamptz
);
CREATE UNIQUE INDEX alert_open ON quality.alert (dataset, rule, subject) WHERE resolved_at IS NULL;

-- ----------------------------------------------------------------------------------------------------- distances
