-- Notes combinations of measure, places, carrier and service that are new. Grain: one row per combination.
INSERT INTO serving.leaf_lane (
    measure, lane, origin_country, origin_region, destination_country, destination_region, carrier, service
)
SELECT DISTINCT
    new_span.measure,
    new_span.lane,
    new_span.origin_country,
    new_span.origin_region,
    new_span.destination_country,
    new_span.destination_region,
    new_span.carrier,
    new_span.service
FROM new_span
ON CONFLICT DO NOTHING
