-- Grain: one row per run and dataset: that it loaded, judged or, where it failed before, was to load. Run by run, for the
-- runs of years must not be summed to show the last ones.
CREATE OR REPLACE VIEW mart.data_quality AS
SELECT
    told.dataset,
    run.run_id,
    run.kind,
    run.source,
    run.state,
    run.started_at,
    run.finished_at,
    reconciliation.received,
    reconciliation.loaded,
    reconciliation.duplicate,
    reconciliation.quarantined,
    judged.rules,
    judged.rules_failed,
    judged.rules_warned,
    judged.failures,
    judged.failed_rules,
    coalesce(
        greatest(reconciliation.recorded_at, judged.validated_at), run.finished_at, run.started_at
    ) AS refreshed_at,
    coalesce(reconciliation.source_count, (run.source_counts ->> told.dataset)::bigint) AS source_count
FROM ops.run
CROSS JOIN LATERAL (
    SELECT added_up.dataset FROM quality.reconciliation AS added_up
    WHERE added_up.run_id = run.run_id
    UNION
    SELECT result.dataset FROM quality.validation_result AS result
    WHERE result.run_id = run.run_id
    UNION
    SELECT run.dataset
    WHERE run.state = 'failed'
) AS told
LEFT JOIN quality.reconciliation ON run.run_id = reconciliation.run_id AND told.dataset = reconciliation.dataset
CROSS JOIN LATERAL (
    SELECT
        count(*) AS rules,
        count(*) FILTER (WHERE NOT result.passed AND result.severity <> 'warn') AS rules_failed,
        count(*) FILTER (WHERE NOT result.passed AND result.severity = 'warn') AS rules_warned,
        coalesce(sum(result.rows_failed) FILTER (WHERE NOT result.passed), 0)::bigint AS failures,
        coalesce(array_agg(result.rule ORDER BY result.rule) FILTER (WHERE NOT result.passed), '{}') AS failed_rules,
        max(result.validated_at) AS validated_at
    FROM quality.validation_result AS result
    WHERE result.run_id = run.run_id AND result.dataset = told.dataset
) AS judged;
