-- Grain of the temporary table `changed_order`: one row per order that is new or changed. Orders are told by their lines;
-- the newest value that is there wins.
CREATE TEMPORARY TABLE changed_order (order_id text PRIMARY KEY) ON COMMIT DROP;

WITH merged AS (
    INSERT INTO core.customer_order AS known (order_id, customer_id, ordered_at, status, currency, run_id, ingested_at)
    SELECT
        order_id,
        (array_agg(customer_id ORDER BY staged_row DESC) FILTER (WHERE customer_id IS NOT NULL))[1],
        (array_agg(ordered_at ORDER BY staged_row DESC))[1],
        (array_agg(status ORDER BY staged_row DESC) FILTER (WHERE status IS NOT NULL))[1],
        (array_agg(currency ORDER BY staged_row DESC) FILTER (WHERE currency IS NOT NULL))[1],
        %(run_id)s,
        %(as_of)s
    FROM accepted
    GROUP BY order_id
    ON CONFLICT (order_id) DO UPDATE SET
    customer_id = coalesce(excluded.customer_id, known.customer_id),
    ordered_at = excluded.ordered_at,
    status = coalesce(excluded.status, known.status),
    currency = coalesce(excluded.currency, known.currency),
    run_id = excluded.run_id
    WHERE
        (known.customer_id, known.ordered_at, known.status, known.currency) IS DISTINCT FROM (
            coalesce(excluded.customer_id, known.customer_id), excluded.ordered_at,
            coalesce(excluded.status, known.status), coalesce(excluded.currency, known.currency)
        )
    RETURNING order_id
)

INSERT INTO changed_order (order_id)
SELECT order_id FROM merged;
