-- A made-up shop of a year, always the same one, 3 deeds in 5 purchases. Grain: order lines, three to an order, and interactions,
-- `deeds` in all; customers buy by a skewed distribution of how much, each from one of fifty tastes, and again what they have bought.
-- `chance(n, k)` is a number from 0 to 1 drawn by hash.
CREATE FUNCTION pg_temp.chance(n bigint, k integer) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(n, k) & 4503599627370495) / 4503599627370496.0;

-- Which product: one of five of the customer's own, one of the taste, or any, the first of each more than the last.
CREATE FUNCTION pg_temp.chosen(n bigint, customer bigint, products integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN pg_temp.chance(n, 1) < 0.3
        THEN
            50 * floor(products / 50 * pg_temp.chance(5 * customer + floor(5 * pg_temp.chance(n, 2))::bigint, 3) ^ 3)
            + customer %% 50
    WHEN pg_temp.chance(n, 1) < 0.8 THEN 50 * floor(products / 50 * pg_temp.chance(n, 4) ^ 3) + customer %% 50
    ELSE floor(products * pg_temp.chance(n, 4) ^ 3)
END;

INSERT INTO core.product (product_id, title, category, is_available, published_at, run_id, ingested_at)
SELECT
    'p' || n,
    'Product ' || n,
    'category ' || n %% 50,
    n %% 40 > 0,
    '2025-06-14 00:00:00+00'::timestamptz,
    'bench',
    '2026-06-13 00:00:00+00'::timestamptz
FROM generate_series(0, %(products)s - 1) AS n;

INSERT INTO core.customer (customer_id, country, run_id, ingested_at)
SELECT
    'c' || md5(n::text),
    (ARRAY['DE', 'FR', 'US', 'BR', 'JP', 'GB', 'ES', 'NL'])[1 + n / 50 %% 8],
    'bench',
    '2026-06-13 00:00:00+00'::timestamptz
FROM generate_series(0, %(customers)s::bigint - 1) AS n;

CREATE TEMPORARY TABLE made_order ON COMMIT DROP AS
SELECT
    n,
    floor(%(customers)s * pg_temp.chance(n, 5) ^ 1.5)::bigint AS customer,
    '2026-06-13 00:00:00+00'::timestamptz - pg_temp.chance(n, 6) * make_interval(days => 365) AS ordered_at
FROM generate_series(1, %(deeds)s::bigint / 5) AS n;

INSERT INTO core.customer_order (order_id, customer_id, ordered_at, country, cancelled_at, run_id, ingested_at)
SELECT
    'o' || n,
    CASE WHEN n %% 33 > 0 THEN 'c' || md5(customer::text) END,
    ordered_at,
    (ARRAY['DE', 'FR', 'US', 'BR', 'JP', 'GB', 'ES', 'NL'])[1 + customer / 50 %% 8],
    CASE WHEN n %% 50 = 0 THEN ordered_at END,
    'bench',
    '2026-06-13 00:00:00+00'::timestamptz
FROM made_order;

INSERT INTO core.order_line (order_id, line_number, product_id, quantity, unit_price, run_id, ingested_at)
SELECT
    'o' || placed.n,
    line,
    'p' || pg_temp.chosen(3 * placed.n + line, placed.customer, %(products)s),
    CASE WHEN line = 3 AND placed.n %% 20 = 0 THEN -1 ELSE 1 END,
    10,
    'bench',
    '2026-06-13 00:00:00+00'::timestamptz
FROM made_order AS placed
CROSS JOIN generate_series(1, 3) AS line;

INSERT INTO core.interaction (interaction_hash, occurred_at, customer_id, product_id, kind, run_id, ingested_at)
SELECT
    seen.n,
    '2026-06-13 00:00:00+00'::timestamptz - pg_temp.chance(seen.n, 7) * make_interval(days => 365),
    'c' || md5(seen.customer::text),
    'p' || pg_temp.chosen(-seen.n, seen.customer, %(products)s),
    CASE WHEN seen.n %% 4 = 0 THEN 'cart' ELSE 'view' END,
    'bench',
    '2026-06-13 00:00:00+00'::timestamptz
FROM (
    SELECT
        n,
        floor(%(customers)s * pg_temp.chance(n, 8) ^ 1.5)::bigint AS customer
    FROM generate_series(1, %(deeds)s::bigint - %(deeds)s::bigint / 5 * 3) AS n
) AS seen;
