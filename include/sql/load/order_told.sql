-- Grain of the temporary table `old_reading`: one row per accepted line of a whole order of which the shop has told a later
-- state, in this batch or before. Lines that come by themselves are all readings of their own, whenever each was changed.
CREATE TEMPORARY TABLE old_reading ON COMMIT DROP AS
SELECT accepted.staged_row
FROM accepted
INNER JOIN (
    SELECT
        told.order_id,
        max(told.changed_in_shop_at) AS changed_in_shop_at
    FROM accepted AS told
    WHERE told.is_whole_order AND told.changed_in_shop_at IS NOT NULL
    GROUP BY told.order_id
) AS newest ON accepted.order_id = newest.order_id
LEFT JOIN core.customer_order AS known ON accepted.order_id = known.order_id
WHERE
    accepted.is_whole_order
    AND accepted.changed_in_shop_at < greatest(newest.changed_in_shop_at, known.changed_in_shop_at);

ANALYZE old_reading;

-- Grain of the temporary view `current_line`: one row per accepted line that is not of an old reading.
CREATE TEMPORARY VIEW current_line AS
SELECT accepted.* -- noqa: AM04
FROM accepted
WHERE NOT EXISTS (SELECT FROM old_reading WHERE old_reading.staged_row = accepted.staged_row);

-- Grain of the temporary table `told_order`: one row per order, as it is with what its lines tell of it. The newest value that
-- is there wins; a region belongs to its country. An order that is said to be cancelled, and not when, was cancelled when the
-- shop last changed it, or at the earliest when it was placed; one that is said to be anything else is not cancelled any more.
-- A time that is that of the last change may be no more than that: where an earlier one is known, that stays.
CREATE TEMPORARY TABLE told_order ON COMMIT DROP AS
WITH told AS (
    SELECT
        order_id,
        (array_agg(customer_id ORDER BY staged_row DESC) FILTER (WHERE customer_id IS NOT NULL))[1] AS customer_id,
        (array_agg(ordered_at ORDER BY staged_row DESC))[1] AS ordered_at,
        (array_agg(status ORDER BY staged_row DESC) FILTER (WHERE status IS NOT NULL))[1] AS status,
        (array_agg(currency ORDER BY staged_row DESC) FILTER (WHERE currency IS NOT NULL))[1] AS currency,
        (array_agg(country ORDER BY staged_row DESC) FILTER (WHERE country IS NOT NULL))[1] AS country,
        (array_agg(region ORDER BY staged_row DESC) FILTER (WHERE region IS NOT NULL))[1] AS region,
        max(cancelled_at) AS cancelled_at,
        max(changed_in_shop_at) AS changed_in_shop_at
    FROM current_line
    GROUP BY order_id
)

SELECT
    told.order_id,
    coalesce(told.customer_id, known.customer_id) AS customer_id,
    told.ordered_at,
    coalesce(told.status, known.status) AS status,
    coalesce(told.currency, known.currency) AS currency,
    coalesce(%(storefront)s, known.source) AS source,
    coalesce(told.country, known.country) AS country,
    CASE WHEN told.country <> known.country THEN told.region ELSE coalesce(told.region, known.region) END AS region,
    CASE
        WHEN told.cancelled_at = told.changed_in_shop_at THEN least(told.cancelled_at, known.cancelled_at)
        WHEN told.cancelled_at IS NOT NULL THEN told.cancelled_at
        WHEN told.status IS NULL THEN known.cancelled_at
        WHEN told.status IN ('cancelled', 'canceled') THEN coalesce(known.cancelled_at, told.changed_in_shop_at, told.ordered_at)
    END AS cancelled_at,
    greatest(told.changed_in_shop_at, known.changed_in_shop_at) AS changed_in_shop_at,
    told.changed_in_shop_at AS reading
FROM told
LEFT JOIN core.customer_order AS known ON told.order_id = known.order_id;

ANALYZE told_order;
