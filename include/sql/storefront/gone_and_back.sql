-- Grain: one row per product that no source has any more and that is not withdrawn yet, and one per product that is withdrawn
-- and that the source has. What core says decides, not what was noted: a run that is cut off leaves nothing undone.
SELECT
    known.product_id,
    listed.product_id IS NULL AS is_gone
FROM ops.storefront_product AS known
INNER JOIN core.product AS product ON known.product_id = product.product_id
LEFT JOIN (SELECT DISTINCT product_id FROM listed) AS listed ON known.product_id = listed.product_id
WHERE
    known.source = %(source)s
    AND (listed.product_id IS NULL) = (product.withdrawn_at IS NULL)
    AND (
        listed.product_id IS NOT NULL
        OR NOT EXISTS (
            SELECT FROM ops.storefront_product AS other
            WHERE other.product_id = known.product_id AND other.source <> known.source AND other.gone_at IS NULL
        )
    )
ORDER BY known.product_id;
