-- Grain: one row per UTC day and dataset: its loads of the last days, the latest day first. Runs begin by the wall clock,
-- also in the sandbox, whose world has a clock of its own. Summed from the ledger and not from mart.data_quality, which
-- would count every rule of every run for it; a run's datasets are the same: what it loaded, judged or was to load.
WITH recent AS (
    SELECT
        run.run_id,
        run.dataset,
        run.state,
        (run.started_at AT TIME ZONE 'UTC')::date AS day
    FROM ops.run
    WHERE
        -- In a SELECT of its own the moment is one value, which the index on it can be asked for.
        run.started_at >= (SELECT date_trunc('day', clock_timestamp(), 'UTC') - (%(days)s - 1) * interval '1 day')
        -- A watch loads nothing.
        AND run.kind <> 'watch'
),

told AS (
    SELECT
        recent.day,
        added_up.dataset,
        recent.state,
        added_up.received,
        added_up.loaded,
        added_up.duplicate,
        added_up.quarantined
    FROM recent
    INNER JOIN quality.reconciliation AS added_up ON recent.run_id = added_up.run_id
    UNION ALL
    SELECT
        recent.day,
        early.dataset,
        recent.state,
        0 AS received,
        0 AS loaded,
        0 AS duplicate,
        0 AS quarantined
    FROM recent
    CROSS JOIN LATERAL (
        SELECT judged.dataset FROM quality.validation_result AS judged
        WHERE judged.run_id = recent.run_id
        UNION
        SELECT recent.dataset
        WHERE recent.state = 'failed'
    ) AS early
    WHERE
        -- What is loaded adds up all that it judged.
        recent.state <> 'loaded'
        AND NOT EXISTS (
            SELECT FROM quality.reconciliation AS added_up
            WHERE added_up.run_id = recent.run_id AND added_up.dataset = early.dataset
        )
)

SELECT
    told.day,
    told.dataset,
    count(*) AS runs,
    sum(told.received)::bigint AS received,
    sum(told.loaded)::bigint AS loaded,
    sum(told.duplicate)::bigint AS duplicate,
    sum(told.quarantined)::bigint AS quarantined,
    count(*) FILTER (WHERE told.state = 'stopped') AS stopped,
    count(*) FILTER (WHERE told.state = 'failed') AS failed
FROM told
GROUP BY told.day, told.dataset
ORDER BY told.day DESC, told.dataset
LIMIT %(most)s;
