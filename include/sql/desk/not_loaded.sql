-- Grain: one row per run and dataset that was stopped or failed in the last days, the latest first.
SELECT load.* -- noqa: AM04
FROM mart.data_quality AS load
WHERE
    load.state IN ('stopped', 'failed')
    AND load.kind <> 'watch'
    AND load.started_at >= (SELECT date_trunc('day', clock_timestamp(), 'UTC') - (%(days)s - 1) * interval '1 day')
ORDER BY load.started_at DESC NULLS LAST, load.run_id, load.dataset
LIMIT %(most)s;
