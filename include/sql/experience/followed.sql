-- Grain of the temporary table `followed`: one row per experience of a known customer: their next order after it, where there is
-- one, and what they ordered within %(repeat_days)s days in the same currency. One pass over each customer's moments in time,
-- however many orders one has.
CREATE TEMPORARY TABLE followed ON COMMIT DROP AS
WITH moment AS (
    SELECT
        purchase.customer,
        purchase.currency,
        purchase.ordered_at AS at,
        purchase.ordered_at,
        purchase.value,
        NULL::bigint AS number
    FROM purchase
    WHERE purchase.customer IS NOT NULL
    UNION ALL
    SELECT
        experience.customer,
        experience.currency,
        -- an order of the same instant did not follow
        experience.felt_at + interval '1 microsecond',
        NULL,
        NULL,
        experience.number
    FROM experience
    WHERE experience.customer IS NOT NULL AND experience.felt_at IS NOT NULL
),

-- Grain: one row per moment.
seen AS (
    SELECT
        moment.number,
        -- backwards in time, the least so far is the next
        min(moment.ordered_at) OVER (
            PARTITION BY moment.customer ORDER BY moment.at DESC ROWS UNBOUNDED PRECEDING
        ) AS next_at,
        sum(moment.value) OVER (
            PARTITION BY moment.customer, moment.currency
            ORDER BY moment.at
            RANGE BETWEEN CURRENT ROW AND %(repeat_window)s FOLLOWING
        ) AS value_next
    FROM moment
)

SELECT
    seen.number,
    seen.next_at,
    coalesce(seen.value_next, 0) AS value_next
FROM seen
WHERE seen.number IS NOT NULL;
ANALYZE followed (number);
