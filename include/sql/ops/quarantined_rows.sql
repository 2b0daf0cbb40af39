-- Grain: one row per quarantined row that a replay has in hand. What a replay left that never ended is free after a day.
CREATE OR REPLACE VIEW ops.row_in_replay AS
SELECT
    chosen.quarantined_row_id,
    chosen.run_id
FROM quality.replayed_row AS chosen
INNER JOIN ops.run ON chosen.run_id = run.run_id
WHERE run.finished_at IS NULL AND run.started_at > clock_timestamp() - interval '1 day';

-- The quarantined rows that fit, for whoever lists, replays or dismisses them; NULL does not narrow. A row is of every run
-- that put it aside, or took it through the gate again. Written so that the planner takes it into the query that asks.
CREATE OR REPLACE FUNCTION ops.quarantined_rows(of_dataset text, under_rule text, of_run text, in_status text)
RETURNS SETOF quality.quarantined_row
LANGUAGE sql STABLE
AS $$
    SELECT bad.* FROM quality.quarantined_row AS bad
    WHERE
        (of_dataset IS NULL OR bad.dataset = of_dataset)
        AND (under_rule IS NULL OR bad.rule = under_rule)
        AND (in_status IS NULL OR bad.status = in_status)
        AND (
            of_run IS NULL
            OR bad.replay_run_id = of_run
            OR EXISTS (
                SELECT FROM quality.quarantine_sighting AS sighting
                WHERE sighting.run_id = of_run AND sighting.quarantined_row_id = bad.quarantined_row_id
            )
        )
$$;

-- Of these the open ones that no replay has in hand; `ids` narrows them to these numbers.
CREATE OR REPLACE FUNCTION ops.free_quarantined_rows(ids bigint [], of_dataset text, under_rule text, of_run text)
RETURNS SETOF quality.quarantined_row
LANGUAGE sql STABLE
AS $$
    SELECT bad.* FROM ops.quarantined_rows(of_dataset, under_rule, of_run, 'open') AS bad
    WHERE
        (ids IS NULL OR bad.quarantined_row_id = ANY(ids))
        AND NOT EXISTS (
            SELECT FROM ops.row_in_replay AS taken WHERE taken.quarantined_row_id = bad.quarantined_row_id
        )
$$;
