-- Grain: one row per run and dataset, in the order in which they were recorded.
SELECT
    told.dataset,
    coalesce(nullif(run.params ->> 'dataset', ''), 'carriers') AS source,
    told.received,
    told.loaded,
    told.duplicate,
    told.quarantined
FROM quality.reconciliation AS told
INNER JOIN ops.run AS run ON told.run_id = run.run_id
WHERE told.run_id = ANY(%(runs)s) AND told.received > 0
ORDER BY run.run_number, told.dataset;
