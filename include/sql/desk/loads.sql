-- Grain: one row per run and dataset, the latest first; not of the watch, which loads nothing and runs so often that
-- nothing else would be left.
SELECT load.* -- noqa: AM04
FROM mart.data_quality AS load
WHERE load.kind <> 'watch'
ORDER BY load.started_at DESC NULLS LAST, load.run_id, load.dataset
LIMIT %(most)s;
