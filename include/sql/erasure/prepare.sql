-- Grain of the temporary table `erased`: one row per customer to be erased.
CREATE TEMPORARY TABLE erased ON COMMIT DROP AS
SELECT DISTINCT given.customer_id FROM unnest(%(customers)s::text []) AS given (customer_id);
ANALYZE erased;

-- Grain of the temporary table `erased_order`: one row per order of theirs: one that they placed, or that rows of theirs name, put
-- aside or not, while nobody else is known to have placed it and no row of another customer names it. Where behaviour counts each
-- customer's orders from 1, a number alone says nothing of whose order it is.
CREATE TEMPORARY TABLE erased_order ON COMMIT DROP AS
WITH named AS NOT MATERIALIZED (
    SELECT
        deed.order_id,
        deed.customer_id
    FROM core.interaction AS deed
    WHERE deed.order_id IS NOT NULL AND deed.customer_id IS NOT NULL
    UNION ALL
    SELECT
        bad.row_data ->> 'order_id' AS order_id,
        bad.row_data ->> 'customer_id' AS customer_id
    FROM quality.quarantined_row AS bad
    WHERE bad.row_data ->> 'order_id' IS NOT NULL AND bad.row_data ->> 'customer_id' IS NOT NULL
),

named_by_them AS (
    SELECT DISTINCT named.order_id
    FROM named
    WHERE named.customer_id IN (SELECT erased.customer_id FROM erased)
)

SELECT placed.order_id
FROM core.customer_order AS placed
WHERE placed.customer_id IN (SELECT erased.customer_id FROM erased)
UNION
SELECT named_by_them.order_id
FROM named_by_them
WHERE
    NOT EXISTS (
        SELECT
        FROM core.customer_order AS placed
        WHERE
            placed.order_id = named_by_them.order_id
            AND placed.customer_id NOT IN (SELECT erased.customer_id FROM erased)
    )
    AND NOT EXISTS (
        SELECT
        FROM named AS other
        WHERE
            other.order_id = named_by_them.order_id
            AND other.customer_id NOT IN (SELECT erased.customer_id FROM erased)
    );
ANALYZE erased_order;
