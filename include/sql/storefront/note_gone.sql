-- Grain: one row per source and product that is not in its list of all that it has.
UPDATE ops.storefront_product AS known SET
    gone_at = %(as_of)s,
    run_id = %(run_id)s
WHERE
    known.source = %(source)s
    AND known.gone_at IS NULL
    AND NOT EXISTS (SELECT FROM listed WHERE listed.product_id = known.product_id);
