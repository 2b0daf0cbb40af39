-- Grain of the temporary table `erased`: one row per customer to be erased.
CREATE TEMPORARY TABLE erased ON COMMIT DROP AS
SELECT DISTINCT given.customer_id FROM unnest(%(customers)s::text []) AS given (customer_id);

-- Grain of the temporary table `erased_order`: one row per order of theirs, that of a row put aside too, unless another is known
-- to have placed it.
CREATE TEMPORARY TABLE erased_order ON COMMIT DROP AS
SELECT placed.order_id
FROM core.customer_order AS placed
WHERE placed.customer_id IN (SELECT erased.customer_id FROM erased)
UNION
SELECT deed.order_id
FROM core.interaction AS deed
WHERE deed.customer_id IN (SELECT erased.customer_id FROM erased) AND deed.order_id IS NOT NULL
UNION
SELECT bad.row_data ->> 'order_id'
FROM quality.quarantined_row AS bad
WHERE
    bad.row_data ->> 'customer_id' IN (SELECT erased.customer_id FROM erased)
    AND bad.row_data ->> 'order_id' IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM core.customer_order AS placed
        WHERE
            placed.order_id = bad.row_data ->> 'order_id'
            AND placed.customer_id NOT IN (SELECT erased.customer_id FROM erased)
    );
ANALYZE erased, erased_order;
