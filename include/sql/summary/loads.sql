-- Grain: one row per run and dataset, in the order in which they were recorded; a storefront's run is part of one for all.
SELECT
    told.dataset,
    CASE
        WHEN told.run_id LIKE 'storefront:%%' THEN run.source
        ELSE coalesce(nullif(run.params ->> 'dataset', ''), 'carriers')
    END AS source,
    told.received,
    told.loaded,
    told.duplicate,
    told.quarantined
FROM quality.reconciliation AS told
INNER JOIN ops.run AS run ON told.run_id = run.run_id
WHERE
    EXISTS (SELECT FROM unnest(%(runs)s) AS whole (run_id) WHERE split_part(told.run_id, '/', 1) = whole.run_id)
    AND told.received > 0
ORDER BY run.run_number, told.dataset;
