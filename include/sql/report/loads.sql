-- Grain: one row per dataset that the run loaded.
SELECT
    told.dataset,
    told.source_count,
    told.received,
    told.loaded,
    told.duplicate,
    told.quarantined
FROM quality.reconciliation AS told
WHERE told.run_id = %(run)s
ORDER BY told.dataset;
