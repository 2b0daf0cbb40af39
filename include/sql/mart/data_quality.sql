-- Grain: one row per run and dataset.
CREATE OR REPLACE VIEW mart.data_quality AS
WITH judged AS (
    SELECT
        result.run_id,
        result.dataset,
        count(*) AS rules,
        count(*) FILTER (WHERE NOT result.passed AND result.severity <> 'warn') AS rules_failed,
        count(*) FILTER (WHERE NOT result.passed AND result.severity = 'warn') AS rules_warned,
        coalesce(sum(result.rows_failed) FILTER (WHERE NOT result.passed), 0)::bigint AS failures,
        array_agg(result.rule ORDER BY result.rule) FILTER (WHERE NOT result.passed) AS failed_rules,
        max(result.validated_at) AS validated_at
    FROM quality.validation_result AS result
    GROUP BY result.run_id, result.dataset
)

SELECT
    coalesce(reconciliation.dataset, judged.dataset) AS dataset,
    coalesce(reconciliation.run_id, judged.run_id) AS run_id,
    run.kind,
    run.source,
    run.state,
    run.started_at,
    run.finished_at,
    reconciliation.received,
    reconciliation.loaded,
    reconciliation.duplicate,
    reconciliation.quarantined,
    coalesce(judged.rules, 0) AS rules,
    coalesce(judged.rules_failed, 0) AS rules_failed,
    coalesce(judged.rules_warned, 0) AS rules_warned,
    coalesce(judged.failures, 0) AS failures,
    coalesce(judged.failed_rules, '{}') AS failed_rules,
    greatest(reconciliation.recorded_at, judged.validated_at) AS refreshed_at
FROM quality.reconciliation
FULL JOIN judged ON reconciliation.run_id = judged.run_id AND reconciliation.dataset = judged.dataset
LEFT JOIN ops.run ON coalesce(reconciliation.run_id, judged.run_id) = run.run_id;
