-- Grain of the temporary table `worth`: one row per country ('*' for all), segment ('all') and lateness ('late', 'all') with orders of
-- which all days have passed, in the currency of most of them: what an order was worth, what of it came back, what was ordered
-- next; and the difference of that to on-time orders of the same countries and segments, weighted as shares are.
CREATE TEMPORARY TABLE worth ON COMMIT DROP AS
WITH rolled AS (
    SELECT
        place.country,
        part.segment,
        counts_under.rolled AS lateness,
        value_sum.currency,
        sum(value_sum.n)::double precision AS n,
        sum(value_sum.value) AS value,
        sum(value_sum.returned) AS returned,
        sum(value_sum.next_n)::double precision AS next_n,
        sum(value_sum.next) AS next,
        sum(value_sum.next_squared) AS next_squared
    FROM value_sum
    INNER JOIN counts_under ON value_sum.lateness = counts_under.lateness
    CROSS JOIN LATERAL (VALUES (value_sum.country), ('*')) AS place (country)
    CROSS JOIN LATERAL (VALUES (value_sum.segment), ('all')) AS part (segment)
    GROUP BY place.country, part.segment, counts_under.rolled, value_sum.currency
),

main AS (
    SELECT DISTINCT ON (rolled.country, rolled.segment, rolled.lateness) rolled.*
    FROM rolled
    ORDER BY rolled.country, rolled.segment, rolled.lateness, rolled.n DESC, rolled.currency
),

-- Grain: one row per country, segment, lateness and currency: mean and its variance.
mean AS (
    SELECT
        rolled.country,
        rolled.segment,
        rolled.lateness,
        rolled.currency,
        rolled.next_n AS n,
        rolled.next / rolled.next_n AS mean,
        greatest(rolled.next_squared - rolled.next ^ 2 / rolled.next_n, 0) / (rolled.next_n - 1) / rolled.next_n AS variance
    FROM rolled
    WHERE rolled.country <> '*' AND rolled.segment <> 'all' AND rolled.next_n >= 2
),

pair AS (
    SELECT
        place.country,
        part.segment,
        late.lateness,
        late.currency,
        late.n,
        on_time.n AS on_time_n,
        late.mean - on_time.mean AS difference,
        late.variance + on_time.variance AS variance
    FROM mean AS late
    INNER JOIN mean AS on_time
        ON
            late.country = on_time.country
            AND late.segment = on_time.segment
            AND late.currency = on_time.currency
            AND on_time.lateness = 'on_time'
    CROSS JOIN LATERAL (VALUES (late.country), ('*')) AS place (country)
    CROSS JOIN LATERAL (VALUES (late.segment), ('all')) AS part (segment)
    WHERE late.lateness NOT IN ('on_time', 'no_promise', 'all')
),

apart AS (
    SELECT
        pair.country,
        pair.segment,
        pair.lateness,
        pair.currency,
        sum(pair.n) AS n,
        sum(pair.on_time_n) AS on_time_n,
        sum(pair.n * pair.difference) / sum(pair.n) AS difference,
        sqrt(sum(pair.n ^ 2 * pair.variance)) / sum(pair.n) AS deviation
    FROM pair
    GROUP BY pair.country, pair.segment, pair.lateness, pair.currency
)

SELECT
    main.country,
    main.segment,
    main.lateness,
    main.currency,
    main.n,
    main.value / main.n AS value,
    main.returned / main.n AS returned,
    CASE WHEN main.next_n >= %(least)s THEN main.next / main.next_n END AS next,
    apart.n AS difference_n,
    apart.on_time_n,
    apart.difference,
    apart.difference - %(z)s * apart.deviation AS lower,
    apart.difference + %(z)s * apart.deviation AS upper
FROM main
LEFT JOIN apart
    ON
        main.country = apart.country
        AND main.segment = apart.segment
        AND main.lateness = apart.lateness
        AND main.currency = apart.currency;
