-- Grain: one row per number given that is no open row free for a replay: its status, NULL where there is no such row, and
-- the run that has it in hand.
SELECT
    asked.quarantined_row_id,
    bad.status,
    claim.run_id
FROM (SELECT DISTINCT unnest(%(ids)s::bigint []) AS quarantined_row_id) AS asked
LEFT JOIN quality.quarantined_row AS bad ON asked.quarantined_row_id = bad.quarantined_row_id
LEFT JOIN LATERAL (
    SELECT taken.run_id FROM ops.row_in_replay AS taken
    WHERE taken.quarantined_row_id = bad.quarantined_row_id
    ORDER BY taken.run_id
    LIMIT 1
) AS claim ON true
WHERE bad.status IS DISTINCT FROM 'open' OR claim.run_id IS NOT NULL
ORDER BY asked.quarantined_row_id;
