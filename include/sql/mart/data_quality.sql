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

COMMENT ON VIEW mart.data_quality IS
'What every load received and what became of it. Grain: one row per run and dataset. Counts are rows.';
COMMENT ON COLUMN mart.data_quality.dataset IS 'Dataset loaded: tracking_event, shipment, order_line, interaction, ...';
COMMENT ON COLUMN mart.data_quality.run_id IS 'The run.';
COMMENT ON COLUMN mart.data_quality.kind IS 'Kind of run: a pull, an import, a replay.';
COMMENT ON COLUMN mart.data_quality.source IS 'Where the rows came from.';
COMMENT ON COLUMN mart.data_quality.state IS 'State of the run: running, loaded, stopped (by a batch rule), failed.';
COMMENT ON COLUMN mart.data_quality.started_at IS 'When the run began.';
COMMENT ON COLUMN mart.data_quality.finished_at IS 'When the run ended; NULL while it runs.';
COMMENT ON COLUMN mart.data_quality.received IS
'Rows received = loaded + duplicate + quarantined; NULL where the run stopped before the load.';
COMMENT ON COLUMN mart.data_quality.loaded IS 'Rows loaded, new or newer versions of known ones.';
COMMENT ON COLUMN mart.data_quality.duplicate IS 'Rows that were there already.';
COMMENT ON COLUMN mart.data_quality.quarantined IS 'Rows put aside under a rule.';
COMMENT ON COLUMN mart.data_quality.rules IS 'Rules checked.';
COMMENT ON COLUMN mart.data_quality.rules_failed IS 'Rules that did not hold, by which rows or the batch were put aside.';
COMMENT ON COLUMN mart.data_quality.rules_warned IS 'Rules that did not hold, of those that only warn.';
COMMENT ON COLUMN mart.data_quality.failures IS
'Failures of rules, summed over rules, warnings included; a row that fails two rules counts twice.';
COMMENT ON COLUMN mart.data_quality.failed_rules IS 'Names of the rules that did not hold; empty where all held.';
COMMENT ON COLUMN mart.data_quality.refreshed_at IS 'When the row was recorded.';
