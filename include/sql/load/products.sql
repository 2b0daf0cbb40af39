-- Grain: one row per product. Returns the number of rows loaded: new products, and those of which something changed.
WITH merged AS (
    INSERT INTO core.product AS known (
        product_id, title, category, unit_price, currency, is_available, stock_quantity, published_at, changed_in_shop_at,
        withdrawn_at, run_id, ingested_at
    )
    SELECT
        product_id,
        title,
        category,
        unit_price,
        currency,
        is_available,
        stock_quantity,
        published_at,
        changed_in_shop_at,
        withdrawn_at,
        %(run_id)s,
        %(as_of)s
    FROM told_product
    ON CONFLICT (product_id) DO UPDATE SET
    title = excluded.title,
    category = excluded.category,
    unit_price = excluded.unit_price,
    currency = excluded.currency,
    is_available = excluded.is_available,
    stock_quantity = excluded.stock_quantity,
    published_at = excluded.published_at,
    changed_in_shop_at = excluded.changed_in_shop_at,
    withdrawn_at = excluded.withdrawn_at,
    run_id = excluded.run_id
    WHERE
        (
            known.title, known.category, known.unit_price, known.currency, known.is_available, known.stock_quantity,
            known.published_at, known.changed_in_shop_at, known.withdrawn_at
        ) IS DISTINCT FROM (
            excluded.title, excluded.category, excluded.unit_price, excluded.currency, excluded.is_available,
            excluded.stock_quantity, excluded.published_at, excluded.changed_in_shop_at, excluded.withdrawn_at
        )
    RETURNING product_id
)

SELECT count(*) FROM merged;
