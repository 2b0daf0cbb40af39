-- Grain: one row per open quarantined row that is not wanted. One that a replay has in hand is left to it.
UPDATE quality.quarantined_row AS bad SET
    status = 'dismissed',
    dismissed_at = ops.as_of(),
    dismissed_because = %(reason)s
WHERE
    bad.status = 'open'
    AND (%(ids)s::bigint [] IS NULL OR bad.quarantined_row_id = ANY(%(ids)s::bigint []))
    AND (%(dataset)s::text IS NULL OR bad.dataset = %(dataset)s)
    AND (%(rule)s::text IS NULL OR bad.rule = %(rule)s)
    AND (
        %(run_id)s::text IS NULL
        OR EXISTS (
            SELECT FROM quality.quarantine_sighting AS sighting
            WHERE sighting.run_id = %(run_id)s AND sighting.quarantined_row_id = bad.quarantined_row_id
        )
    )
    AND NOT EXISTS (
        SELECT FROM quality.replayed_row AS other
        INNER JOIN ops.run AS run ON other.run_id = run.run_id
        WHERE
            other.quarantined_row_id = bad.quarantined_row_id
            AND run.finished_at IS NULL
            AND run.started_at > clock_timestamp() - interval '1 day'
    );
