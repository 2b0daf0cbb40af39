-- Writes, for the last %(days)s whole days of each place's clock, what moved on out of each step and what was expected to.
-- Grain: one row per day, step, place and lane.
DELETE FROM serving.step_day WHERE day < %(as_of)s::date - %(kept)s;

CREATE TEMPORARY TABLE pace ON COMMIT DROP AS
SELECT DISTINCT ON (asked.step, asked.kind_id)
    asked.step,
    asked.kind_id,
    dwell.hazard
FROM (SELECT DISTINCT stay.step, stay.kind_id FROM stay) AS asked
INNER JOIN kind_lane ON asked.kind_id = kind_lane.kind_id
INNER JOIN serving.dwell ON asked.step = dwell.step AND kind_lane.lane = dwell.lane
ORDER BY asked.step, asked.kind_id, dwell.specificity DESC;

ANALYZE pace;

CREATE TEMPORARY TABLE counted_day ON COMMIT DROP AS
WITH local_stay AS (
    SELECT
        stay.step,
        stay.outcome,
        pace.hazard,
        coalesce(stay.country, '') AS country,
        coalesce(
            CASE stay.country
                WHEN kind.destination_country THEN chosen.destination_region
                WHEN kind.origin_country THEN chosen.origin_region
            END,
            ''
        ) AS region,
        coalesce(kind.origin_country, '') AS origin_country,
        coalesce(kind.destination_country, '') AS destination_country,
        stay.from_at AT TIME ZONE coalesce(place.zone, 'UTC') AS from_at,
        stay.until_at AT TIME ZONE coalesce(place.zone, 'UTC') AS until_at,
        (%(as_of)s AT TIME ZONE coalesce(place.zone, 'UTC'))::date AS today
    FROM stay
    INNER JOIN kind ON stay.kind_id = kind.kind_id
    INNER JOIN chosen ON stay.shipment_id = chosen.shipment_id
    INNER JOIN pace ON stay.step = pace.step AND stay.kind_id = pace.kind_id
    LEFT JOIN core.country AS place ON stay.country = place.country
    WHERE stay.until_at >= %(as_of)s - make_interval(days => %(days)s + 2)
)

SELECT
    day.day::date AS day,
    local_stay.step,
    local_stay.country,
    local_stay.region,
    local_stay.origin_country,
    local_stay.destination_country,
    count(*) FILTER (WHERE local_stay.outcome = 1 AND day.day = local_stay.until_at::date)::integer AS observed,
    sum(serving.at_age(local_stay.hazard, age.until_age) - serving.at_age(local_stay.hazard, age.from_age)) AS expected
FROM local_stay
CROSS JOIN LATERAL generate_series(
    greatest(local_stay.from_at::date, local_stay.today - %(days)s)::timestamp,
    least(local_stay.until_at::date, local_stay.today - 1)::timestamp,
    interval '1 day'
) AS day (day)
-- LIMIT keeps the ages columns, so that Postgres can put the function's body in place of its calls
CROSS JOIN LATERAL (
    SELECT
        extract(EPOCH FROM day.day - local_stay.from_at)::double precision / 86400 AS from_age,
        extract(EPOCH FROM least(local_stay.until_at, day.day + interval '1 day') - local_stay.from_at)::double precision
        / 86400 AS until_age
    LIMIT 1 -- noqa: AM09
) AS age
GROUP BY
    day.day,
    local_stay.step,
    local_stay.country,
    local_stay.region,
    local_stay.origin_country,
    local_stay.destination_country;

DELETE FROM serving.step_day
USING (SELECT country, (%(as_of)s AT TIME ZONE coalesce(zone, 'UTC'))::date AS today FROM core.country) AS place
WHERE step_day.country = place.country AND step_day.day >= place.today - %(days)s;

DELETE FROM serving.step_day
WHERE
    NOT EXISTS (SELECT FROM core.country WHERE country.country = step_day.country)
    AND day >= (%(as_of)s AT TIME ZONE 'UTC')::date - %(days)s;

INSERT INTO serving.step_day (
    day, step, country, region, origin_country, destination_country, day_kind, observed, expected
)
SELECT
    counted_day.day,
    counted_day.step,
    counted_day.country,
    counted_day.region,
    counted_day.origin_country,
    counted_day.destination_country,
    place_day.day_kind,
    counted_day.observed,
    greatest(counted_day.expected, 0)
FROM counted_day
INNER JOIN (
    SELECT
        told.country,
        told.day,
        serving.day_kind(told.country, told.day) AS day_kind
    FROM (SELECT DISTINCT country, day FROM counted_day) AS told
) AS place_day ON counted_day.country = place_day.country AND counted_day.day = place_day.day;

DROP TABLE counted_day;
DROP TABLE pace;
