-- Grain: the one run that ended last; none where none has ended.
SELECT run.run_id
FROM ops.run
WHERE run.finished_at IS NOT NULL
ORDER BY run.finished_at DESC, run.run_number DESC
LIMIT 1;
