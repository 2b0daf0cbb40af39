-- Grain of the temporary table `told_product`: one row per product, as it is with what is told of it. A row with the shop's
-- clock is all that the shop says, and gives way to a later one, of this batch or known; of others the newest value that is
-- there wins. A product that is told again is not withdrawn any more, and one that is withdrawn keeps what it was.
CREATE TEMPORARY TABLE told_product ON COMMIT DROP AS
WITH newest AS (
    SELECT
        product_id,
        max(changed_in_shop_at) AS changed_in_shop_at
    FROM accepted
    GROUP BY product_id
),

current_row AS (
    SELECT accepted.*
    FROM accepted
    INNER JOIN newest ON accepted.product_id = newest.product_id
    LEFT JOIN core.product AS known ON accepted.product_id = known.product_id
    WHERE
        accepted.changed_in_shop_at IS NULL
        OR accepted.changed_in_shop_at >= greatest(newest.changed_in_shop_at, known.changed_in_shop_at)
),

told AS (
    SELECT
        product_id,
        (array_agg(title ORDER BY staged_row DESC) FILTER (WHERE title IS NOT NULL))[1] AS title,
        (array_agg(category ORDER BY staged_row DESC) FILTER (WHERE category IS NOT NULL))[1] AS category,
        (array_agg(unit_price ORDER BY staged_row DESC) FILTER (WHERE unit_price IS NOT NULL))[1] AS unit_price,
        (array_agg(currency ORDER BY staged_row DESC) FILTER (WHERE currency IS NOT NULL))[1] AS currency,
        (array_agg(is_available ORDER BY staged_row DESC) FILTER (WHERE is_available IS NOT NULL))[1] AS is_available,
        (array_agg(stock_quantity ORDER BY staged_row DESC) FILTER (WHERE stock_quantity IS NOT NULL))[1]
            AS stock_quantity,
        (array_agg(published_at ORDER BY staged_row DESC) FILTER (WHERE published_at IS NOT NULL))[1] AS published_at,
        max(changed_in_shop_at) AS changed_in_shop_at,
        (array_agg(withdrawn_at ORDER BY staged_row DESC))[1] AS withdrawn_at,
        (array_agg(changed_in_shop_at IS NOT NULL AND withdrawn_at IS NULL ORDER BY staged_row DESC))[1] AS is_whole
    FROM current_row
    GROUP BY product_id
)

SELECT
    told.product_id,
    CASE WHEN told.is_whole THEN told.title ELSE coalesce(told.title, known.title) END AS title,
    CASE WHEN told.is_whole THEN told.category ELSE coalesce(told.category, known.category) END AS category,
    CASE WHEN told.is_whole THEN told.unit_price ELSE coalesce(told.unit_price, known.unit_price) END AS unit_price,
    CASE WHEN told.is_whole THEN told.currency ELSE coalesce(told.currency, known.currency) END AS currency,
    CASE WHEN told.is_whole THEN told.is_available ELSE coalesce(told.is_available, known.is_available) END
        AS is_available,
    CASE WHEN told.is_whole THEN told.stock_quantity ELSE coalesce(told.stock_quantity, known.stock_quantity) END
        AS stock_quantity,
    CASE WHEN told.is_whole THEN told.published_at ELSE coalesce(told.published_at, known.published_at) END
        AS published_at,
    coalesce(told.changed_in_shop_at, known.changed_in_shop_at) AS changed_in_shop_at,
    CASE WHEN told.withdrawn_at IS NOT NULL THEN coalesce(known.withdrawn_at, told.withdrawn_at) END AS withdrawn_at
FROM told
LEFT JOIN core.product AS known ON told.product_id = known.product_id;

ANALYZE told_product;
