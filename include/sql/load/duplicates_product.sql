-- Grain: one row: the rows accepted, and of these the duplicates: found in core under their product, less those that said
-- something new.
SELECT
    count(*) AS told,
    count(known.product_id) - %(loaded)s AS duplicate
FROM accepted
LEFT JOIN core.product AS known ON accepted.product_id = known.product_id;
