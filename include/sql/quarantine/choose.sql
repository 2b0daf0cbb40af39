-- Grain: one row per open quarantined row that the run takes through the gate again. A row that another replay has in hand
-- is left to it; what a replay left that was never ended is free after a day.
INSERT INTO quality.replayed_row (run_id, quarantined_row_id, dataset, raw_answer_id)
SELECT
    %(run_id)s,
    bad.quarantined_row_id,
    bad.dataset,
    bad.raw_answer_id
FROM quality.quarantined_row AS bad
WHERE
    bad.status = 'open'
    AND (%(ids)s::bigint [] IS NULL OR bad.quarantined_row_id = ANY(%(ids)s::bigint []))
    AND (%(dataset)s::text IS NULL OR bad.dataset = %(dataset)s)
    AND (%(rule)s::text IS NULL OR bad.rule = %(rule)s)
    AND (
        %(chosen_run)s::text IS NULL
        OR EXISTS (
            SELECT FROM quality.quarantine_sighting AS sighting
            WHERE sighting.run_id = %(chosen_run)s AND sighting.quarantined_row_id = bad.quarantined_row_id
        )
    )
    AND (%(origin)s::text IS NULL OR (%(origin)s = 'pull') = (bad.raw_answer_id IS NOT NULL))
    AND NOT EXISTS (
        SELECT FROM quality.replayed_row AS other
        INNER JOIN ops.run AS run ON other.run_id = run.run_id
        WHERE
            other.quarantined_row_id = bad.quarantined_row_id
            AND run.finished_at IS NULL
            AND run.started_at > clock_timestamp() - interval '1 day'
    );
