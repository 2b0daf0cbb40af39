-- Deletes promises and accuracies that are past their days. Grain of the result: one row, with how many of each went.
WITH gone_promise AS (
    DELETE FROM serving.promise_log
    WHERE promise_log.issued_at < %(now)s - make_interval(days => %(days)s)
    RETURNING 1
),

gone_accuracy AS (
    DELETE FROM serving.promise_accuracy
    WHERE promise_accuracy.matured_at < %(now)s - make_interval(days => %(days)s)
    RETURNING 1
)

SELECT
    (SELECT count(*) FROM gone_promise) AS promises,
    (SELECT count(*) FROM gone_accuracy) AS accuracies
