-- Whether what customers experienced is to be worked out anew: never done, done long enough ago, or before many orders came.
-- Grain: one row.
SELECT
    NOT EXISTS (
        SELECT FROM serving.delivery_experience_state AS state
        WHERE
            state.refreshed_at BETWEEN ops.as_of() - %(every)s AND ops.as_of()
            AND state.orders * 1.1 >= (SELECT count(*) FROM core.customer_order)
    )
    AND (EXISTS (SELECT FROM core.customer_order) OR EXISTS (SELECT FROM serving.delivery_experience)) AS is_due
