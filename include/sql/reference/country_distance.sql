-- Grain: one row per ordered pair of countries of which every place lies 500 km or more from every place of the other.
-- zone_place holds one place per time zone and country. Any other place of a country is taken to lie within 1,500 km of
-- one of them, so that a parcel never went a shorter way than km: what is told as too fast was too fast.
TRUNCATE core.country_distance;

INSERT INTO core.country_distance (country, other_country, km)
SELECT
    country,
    other_country,
    km
FROM (
    SELECT
        here.country,
        there.country AS other_country,
        floor(min(6371 * 2 * asin(sqrt(least(
            1,
            sind((there.latitude - here.latitude) / 2) ^ 2
            + cosd(here.latitude) * cosd(there.latitude) * sind((there.longitude - here.longitude) / 2) ^ 2
        )))))::integer - 2 * 1500 AS km
    FROM zone_place AS here
    CROSS JOIN zone_place AS there
    WHERE here.country <> there.country
    GROUP BY here.country, there.country
) AS apart
WHERE km >= 500;

ANALYZE core.country_distance;

DROP TABLE zone_place;
