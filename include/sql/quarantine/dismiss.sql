-- Grain: one row per open quarantined row that is not wanted. One that a replay has in hand is left to it.
UPDATE quality.quarantined_row AS bad SET
    status = 'dismissed',
    dismissed_at = ops.as_of(),
    dismissed_because = %(reason)s
FROM ops.free_quarantined_rows(%(ids)s::bigint [], %(dataset)s, %(rule)s, %(run_id)s) AS free
WHERE bad.quarantined_row_id = free.quarantined_row_id;
