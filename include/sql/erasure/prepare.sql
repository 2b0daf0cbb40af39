-- Grain of the temporary table `erased`: one row per customer to be erased.
CREATE TEMPORARY TABLE erased ON COMMIT DROP AS
SELECT DISTINCT given.customer_id FROM unnest(%(customers)s::text []) AS given (customer_id);

-- Grain of the temporary table `erased_order`: one row per order of theirs.
CREATE TEMPORARY TABLE erased_order ON COMMIT DROP AS
SELECT placed.order_id
FROM core.customer_order AS placed
WHERE placed.customer_id IN (SELECT erased.customer_id FROM erased)
UNION
SELECT deed.order_id
FROM core.interaction AS deed
WHERE deed.customer_id IN (SELECT erased.customer_id FROM erased) AND deed.order_id IS NOT NULL;
ANALYZE erased, erased_order;
