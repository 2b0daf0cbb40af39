-- Grain: one row per country that shipments of the last days stood in, and year whose holidays are not known yet.
SELECT
    place.country,
    year.year
FROM (
    SELECT DISTINCT country FROM stay WHERE country IS NOT NULL
) AS place
CROSS JOIN unnest(%(years)s::smallint []) AS year (year)
WHERE NOT EXISTS (
    SELECT FROM serving.holiday_year
    WHERE holiday_year.country = place.country AND holiday_year.year = year.year
)
