-- Whether the run in use is to be followed by another: something was loaded or somebody erased since it read, or it is a week old.
-- Grain: one row; true where there is none.
SELECT
    NOT EXISTS (
        SELECT
        FROM serving.recommendation_run AS run
        WHERE
            run.status = 'serving'
            AND run.trained_at > ops.as_of() - INTERVAL '7 days'
            AND (run.loads, run.erasures) = (
                SELECT
                    count(*),
                    (SELECT count(*) FROM ops.erased_customer)
                FROM quality.reconciliation AS done
                WHERE done.dataset IN ('order_line', 'interaction', 'product') AND done.loaded > 0
            )
    ) AS anything_new
