-- Grain of the temporary table `changed_order`: one row per order that is new or changed.
CREATE TEMPORARY TABLE changed_order (order_id text PRIMARY KEY) ON COMMIT DROP;

WITH merged AS (
    INSERT INTO core.customer_order AS known (
        order_id, customer_id, ordered_at, status, currency, source, country, region, cancelled_at, changed_in_shop_at,
        run_id, ingested_at
    )
    SELECT
        order_id,
        customer_id,
        ordered_at,
        status,
        currency,
        source,
        country,
        region,
        cancelled_at,
        changed_in_shop_at,
        %(run_id)s,
        %(as_of)s
    FROM told_order
    ON CONFLICT (order_id) DO UPDATE SET
    customer_id = excluded.customer_id,
    ordered_at = excluded.ordered_at,
    status = excluded.status,
    currency = excluded.currency,
    source = excluded.source,
    country = excluded.country,
    region = excluded.region,
    cancelled_at = excluded.cancelled_at,
    changed_in_shop_at = excluded.changed_in_shop_at,
    run_id = excluded.run_id
    WHERE
        (
            known.customer_id, known.ordered_at, known.status, known.currency, known.source, known.country, known.region,
            known.cancelled_at, known.changed_in_shop_at
        ) IS DISTINCT FROM (
            excluded.customer_id, excluded.ordered_at, excluded.status, excluded.currency, excluded.source,
            excluded.country, excluded.region, excluded.cancelled_at, excluded.changed_in_shop_at
        )
    RETURNING order_id
)

INSERT INTO changed_order (order_id)
SELECT order_id FROM merged;

-- Grain: one row per customer whose latest order that names a country is of another than is known.
UPDATE core.customer AS known SET country = latest.country
FROM (
    SELECT DISTINCT ON (customer_id)
        customer_id,
        country
    FROM core.customer_order
    WHERE country IS NOT NULL AND customer_id IN (SELECT customer_id FROM told_order WHERE country IS NOT NULL)
    ORDER BY customer_id, ordered_at DESC, order_id DESC
) AS latest
WHERE known.customer_id = latest.customer_id AND known.country IS DISTINCT FROM latest.country;
