-- Grain: one row per open alert of stopped batches none of whose rows is open in the quarantine any more: they were replayed,
-- dismissed or superseded. Which runs the alert is about it says itself, for later ones add to it.
UPDATE quality.alert SET resolved_at = greatest(ops.as_of(), last_seen_at)
WHERE
    resolved_at IS NULL
    AND kind = 'batch_stopped'
    AND NOT EXISTS (
        SELECT FROM quality.quarantine_sighting AS sighting
        INNER JOIN quality.quarantined_row AS bad ON sighting.quarantined_row_id = bad.quarantined_row_id
        WHERE
            sighting.run_id = ANY(alert.run_ids)
            AND sighting.dataset = alert.dataset
            AND sighting.rule = alert.rule
            AND bad.status = 'open'
    )
