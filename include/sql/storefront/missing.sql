-- Grain: one row: how many products the source is known to have, and how many of these its list of all products lacks.
SELECT
    count(*) AS known,
    count(*) FILTER (WHERE listed.product_id IS NULL) AS missing
FROM ops.storefront_product AS known
LEFT JOIN (SELECT DISTINCT product_id FROM listed) AS listed ON known.product_id = listed.product_id
WHERE known.source = %(source)s AND known.gone_at IS NULL;
