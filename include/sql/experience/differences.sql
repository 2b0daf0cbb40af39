-- Grain of the temporary table `difference`: one row per outcome, country ('*'), segment ('all') and lateness that is set against
-- on-time orders. Like is compared with like: the difference is that within each country and segment, weighted by how many orders of
-- this lateness it has; those without on-time orders of their own are left out (`n` are the others). Bounds by recovered variances:
-- Newcombe (1998) for one difference, Zou and Donner (2008) for a weighted sum of them.
CREATE TEMPORARY TABLE difference ON COMMIT DROP AS
WITH pair AS (
    SELECT
        place.country,
        part.segment,
        late.outcome,
        late.lateness,
        late.n,
        late.complete,
        on_time.complete AS on_time_complete,
        late.share - on_time.share AS difference,
        (late.share - late.lower) ^ 2 + (on_time.upper - on_time.share) ^ 2 AS below,
        (late.upper - late.share) ^ 2 + (on_time.share - on_time.lower) ^ 2 AS above
    FROM share AS late
    INNER JOIN share AS on_time
        ON
            late.outcome = on_time.outcome
            AND late.country = on_time.country
            AND late.segment = on_time.segment
            AND on_time.lateness = 'on_time'
    CROSS JOIN LATERAL (VALUES (late.country), ('*')) AS place (country)
    CROSS JOIN LATERAL (VALUES (late.segment), ('all')) AS part (segment)
    WHERE
        late.country <> '*'
        AND late.segment <> 'all'
        AND late.lateness NOT IN ('on_time', 'no_promise', 'all')
        AND late.complete > 0
        AND on_time.complete > 0
)

SELECT
    pair.outcome,
    pair.country,
    pair.segment,
    pair.lateness,
    sum(pair.n) AS n,
    sum(pair.complete) AS complete,
    sum(pair.on_time_complete) AS on_time_complete,
    sum(pair.n * pair.difference) / sum(pair.n) AS difference,
    (sum(pair.n * pair.difference) - sqrt(sum(pair.n ^ 2 * pair.below))) / sum(pair.n) AS lower,
    (sum(pair.n * pair.difference) + sqrt(sum(pair.n ^ 2 * pair.above))) / sum(pair.n) AS upper
FROM pair
GROUP BY pair.outcome, pair.country, pair.segment, pair.lateness;
