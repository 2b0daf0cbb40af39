-- Grain: one row per run and dataset that these runs loaded, in the order of the runs.
SELECT
    told.run_id,
    told.dataset,
    told.received,
    told.loaded,
    told.duplicate,
    told.quarantined,
    run.as_of,
    run.started_at,
    run.state
FROM quality.reconciliation AS told
INNER JOIN ops.run ON told.run_id = run.run_id
WHERE told.run_id = ANY(%(runs)s)
ORDER BY run.run_number;
