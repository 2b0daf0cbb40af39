-- The shipments that were in a step within the last days: open ones, and those that ended not longer ago than %(days)s days; one in
-- %(one_in)s of them. Grain of the temporary table: one row per shipment; as choose_sample.
CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS
WITH recent AS (
    SELECT *
    FROM serving.seen_shipment
    WHERE
        milestone NOT IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed')
        AND coalesce(ordered_at, shipped_at, milestone_at) > %(as_of)s - interval '200 days'
    UNION ALL
    SELECT *
    FROM serving.seen_shipment
    WHERE
        milestone IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed')
        AND ended_at > %(as_of)s - make_interval(days => %(days)s)
)

SELECT
    recent.shipment_id,
    recent.origin_country,
    recent.origin_region,
    recent.destination_country,
    recent.destination_region,
    recent.carrier,
    recent.service,
    recent.ordered_at,
    recent.shipped_at,
    recent.milestone,
    recent.ended_at,
    recent.seen_until
FROM recent
WHERE recent.shipment_id %% %(one_in)s = 0;

ANALYZE chosen;
