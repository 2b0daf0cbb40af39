-- Grain: one row per replay that took the row through the gate again, the first one first.
SELECT
    chosen.run_id,
    run.as_of AS replayed_at,
    coalesce(chosen.outcome, run.state) AS outcome,
    chosen.rule,
    chosen.patch IS NOT NULL AS is_mended
FROM quality.replayed_row AS chosen
INNER JOIN ops.run AS run ON chosen.run_id = run.run_id
WHERE chosen.quarantined_row_id = %(quarantined_row_id)s
ORDER BY run.run_number;
