-- The run that an earlier attempt of a run in Airflow has kept. Grain: one row, or none.
SELECT
    run.version,
    run.reason,
    run.models,
    run.lost,
    run.deeds,
    run.customers,
    run.products
FROM serving.recommendation_run AS run
WHERE run.run_id = %(run_id)s AND run.status <> 'replaced'
