-- Grain: the one run of that id; none where there is none.
SELECT
    run.run_id,
    run.run_number,
    run.kind,
    run.dataset,
    run.source,
    run.state,
    run.error,
    run.as_of,
    run.started_at,
    run.finished_at,
    run.staged,
    run.steps
FROM ops.run
WHERE run.run_id = %(run)s;
