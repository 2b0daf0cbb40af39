-- What it takes to trust the data: rows that come back from quarantine, counts of the source, feeds over time, alerts.

-- ---------------------------------------------------------------------------------------------------- quarantine

-- A row is replayed when a run took it through the gate again and the gate let it pass; superseded when it was mended and
-- the mended row (superseded_by) was put aside in its turn.
ALTER TABLE quality.quarantined_row
ADD COLUMN replays integer NOT NULL DEFAULT 0,
ADD COLUMN replay_run_id text,
ADD COLUMN replayed_at timestamptz,
ADD COLUMN superseded_by bigint,
ADD COLUMN dismissed_at timestamptz,
ADD COLUMN dismissed_because text,
DROP CONSTRAINT quarantined_row_status_check,
ADD CONSTRAINT quarantined_row_status_check CHECK (status IN ('open', 'replayed', 'superseded', 'dismissed'));
CREATE INDEX ON quality.quarantined_row (dataset, rule, status);

-- Grain: one row per run and quarantined row that the run put aside: its first and last run alone don't tell those between.
CREATE TABLE quality.quarantine_sighting (
    run_id text NOT NULL REFERENCES ops.run ON DELETE CASCADE,
    dataset text NOT NULL,
    rule text NOT NULL,
    quarantined_row_id bigint NOT NULL REFERENCES quality.quarantined_row ON DELETE CASCADE,
    PRIMARY KEY (run_id, dataset, rule, quarantined_row_id)
);
CREATE INDEX ON quality.quarantine_sighting (quarantined_row_id, run_id);
INSERT INTO quality.quarantine_sighting (run_id, dataset, rule, quarantined_row_id)
SELECT
    run.run_id,
    bad.dataset,
    bad.rule,
    bad.quarantined_row_id
FROM quality.quarantined_row AS bad
INNER JOIN ops.run ON run.run_id IN (bad.first_run_id, bad.last_run_id);

-- Grain: one row per run of a replay and quarantined row that it takes through the gate again: what the run's choice was,
-- fixed when it was opened, and what became of the row. `patch` holds the columns that are set, as jsonb of the staged row;
-- `raw_answer_id` is the answer that the row had come in by then.
CREATE TABLE quality.replayed_row (
    run_id text NOT NULL REFERENCES ops.run ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    quarantined_row_id bigint NOT NULL REFERENCES quality.quarantined_row ON DELETE CASCADE,
    dataset text NOT NULL,
    patch jsonb,
    raw_answer_id bigint,
    outcome text CHECK (outcome IN ('passed', 'failed', 'superseded')),
    rule text,
    PRIMARY KEY (run_id, quarantined_row_id)
);
CREATE INDEX ON quality.replayed_row (quarantined_row_id);

-- ------------------------------------------------------------------------------------------------- reconciliation

-- source_count is what the source held, counted where it was read and not where it was staged.
ALTER TABLE quality.reconciliation ADD COLUMN source_count bigint;
UPDATE quality.reconciliation SET source_count = received;
ALTER TABLE quality.reconciliation
ALTER COLUMN source_count SET NOT NULL,
ADD CONSTRAINT nothing_lost_on_the_way CHECK (source_count = received);
ALTER TABLE ops.run ADD COLUMN source_counts jsonb NOT NULL DEFAULT '{}', ADD COLUMN error text;
-- Parts of a load that was cut off before, and did not count duplicates, are merged again: what they loaded is a duplicate then.
DELETE FROM ops.load_part;
ALTER TABLE ops.load_part ADD COLUMN duplicate bigint NOT NULL DEFAULT 0;
-- A report's trends are over the last runs of its kind.
CREATE INDEX run_of_kind ON ops.run (kind, dataset, run_number);
-- The page of the last runs reads by this.
CREATE INDEX run_by_start ON ops.run (started_at DESC NULLS LAST, run_id);

-- ------------------------------------------------------------------------------------------------------- retention

-- What belongs to no one run has the wall clock of its last noting: its other times are those of ops.as_of().
ALTER TABLE quality.unmapped_code ADD COLUMN noted_at timestamptz NOT NULL DEFAULT clock_timestamp();

-- --------------------------------------------------------------------------------------------------------- feeds

-- Grain: one row per source of tracking events and hour of ops.as_of() in which it was asked: what pulls brought in that
-- hour, and how many parcels it was followed for. `scans` are those after a parcel's first, new since its answer before, by
-- days since that first scan (below 1, 2, 3, 5, 8, 12, 20, more); `exposure_hours` the parcels' hours between the answers.
CREATE TABLE quality.feed_hour (
    source text NOT NULL,
    hour timestamptz NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    loaded bigint NOT NULL DEFAULT 0,
    unmapped bigint NOT NULL DEFAULT 0,
    followed bigint NOT NULL DEFAULT 0,
    scans bigint [] NOT NULL DEFAULT '{}',
    exposure_hours double precision [] NOT NULL DEFAULT '{}',
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, hour)
);

-- The watch compares, every quarter of an hour, parcels handed over in the last months.
CREATE INDEX shipment_status_handover ON serving.shipment_status (shipped_at);

-- -------------------------------------------------------------------------------------------------------- alerts

-- Grain: one row per alert: one cause (dataset, rule and what it is about), from when it was seen until it was gone.
-- `run_ids` are the runs that a stopped batch's alert is about: it ends when none of their rows is left open.
CREATE TABLE quality.alert (
    alert_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    dataset text NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL DEFAULT '',
    severity text NOT NULL CHECK (severity IN ('critical', 'warning')),
    message text NOT NULL,
    run_id text,
    run_ids text [] NOT NULL DEFAULT '{}',
    opened_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    times_seen bigint NOT NULL DEFAULT 1,
    resolved_at timestamptz,
    told_opened_at timestamptz,
    told_resolved_at timestamptz,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX alert_open ON quality.alert (dataset, rule, subject) WHERE resolved_at IS NULL;
CREATE INDEX alert_untold ON quality.alert (alert_id)
WHERE told_opened_at IS NULL OR (resolved_at IS NOT NULL AND told_resolved_at IS NULL);

-- Grain: one row per alert, channel and news of it (opened, resolved) that the channel has told, while other channels have
-- not: the alert's told_opened_at and told_resolved_at are set once all have.
CREATE TABLE quality.alert_notice (
    alert_id bigint NOT NULL REFERENCES quality.alert ON DELETE CASCADE,
    channel text NOT NULL,
    news text NOT NULL CHECK (news IN ('opened', 'resolved')),
    told_at timestamptz NOT NULL,
    PRIMARY KEY (alert_id, news, channel)
);

-- ----------------------------------------------------------------------------------------------------- distances

-- Grain: one row per ordered pair of countries that lie far from each other: km is what their places lie apart at least.
CREATE TABLE core.country_distance (
    country text NOT NULL,
    other_country text NOT NULL,
    km integer NOT NULL CHECK (km > 0),
    PRIMARY KEY (country, other_country)
);
