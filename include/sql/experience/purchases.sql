-- Grain of the temporary table `purchase`: one row per order by which something was bought and that was not cancelled, with which
-- order of its customer it is (`nth`), what it was worth and what of it came back. A customer is a number here: of all that
-- follows, nothing names one.
CREATE TEMPORARY TABLE purchase ON COMMIT DROP AS
WITH line AS (
    SELECT
        told.order_id,
        sum(told.quantity * told.unit_price) FILTER (WHERE told.quantity > 0) AS value,
        -sum(told.quantity * told.unit_price) FILTER (WHERE told.quantity < 0) AS value_returned,
        -- a line's own time is not always told: that of its order, then
        min(coalesce(told.occurred_at, '-infinity')) FILTER (WHERE told.quantity < 0) AS returned_at,
        bool_or(told.quantity > 0) AS is_purchase
    FROM core.order_line AS told
    WHERE coalesce(told.withdrawn_at > %(as_of)s, true) AND coalesce(told.occurred_at <= %(as_of)s, true)
    GROUP BY told.order_id
),

-- Grain: one row per order of which behaviour tells that something came back.
came_back AS (
    SELECT
        deed.order_id,
        min(deed.occurred_at) AS returned_at
    FROM core.interaction AS deed
    WHERE deed.kind = 'return' AND deed.order_id IS NOT NULL AND deed.occurred_at <= %(as_of)s
    GROUP BY deed.order_id
),

-- Grain: one row per order.
bought AS (
    SELECT
        placed.order_id,
        hashtextextended(placed.customer_id, 0) AS customer,
        placed.ordered_at,
        placed.currency,
        placed.country,
        line.value,
        coalesce(line.value_returned, 0) AS value_returned,
        least(line.returned_at, came_back.returned_at) AS returned_at
    FROM core.customer_order AS placed
    INNER JOIN line ON placed.order_id = line.order_id
    LEFT JOIN came_back ON placed.order_id = came_back.order_id
    WHERE
        coalesce(placed.cancelled_at > %(as_of)s, placed.status NOT IN ('cancelled', 'canceled'), true)
        AND placed.ordered_at <= %(as_of)s
        AND line.is_purchase
)

SELECT
    bought.*,
    row_number() OVER () AS number,
    CASE
        WHEN bought.customer IS NOT NULL
            THEN row_number() OVER (PARTITION BY bought.customer ORDER BY bought.ordered_at, bought.order_id)
    END AS nth
FROM bought;
ANALYZE purchase (order_id, number, customer);
