-- Grain: one row per open episode.
SELECT
    disruption_id,
    cell,
    country,
    region,
    origin_country,
    destination_country,
    step,
    started_on,
    parcels_caught
FROM serving.disruption
WHERE ended_at IS NULL
ORDER BY disruption_id
