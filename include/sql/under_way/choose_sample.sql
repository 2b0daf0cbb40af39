-- The shipments to learn from: those that began in the last %(days)s days, thinned by their numbers to about %(most)s.
-- Grain of the temporary table: one row per shipment.
CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS
WITH recent AS (
    SELECT *
    FROM serving.seen_shipment
    WHERE
        coalesce(ordered_at, shipped_at, milestone_at) > %(as_of)s - make_interval(days => %(days)s)
        AND coalesce(ordered_at, shipped_at, milestone_at) <= %(as_of)s
),

thinned AS (
    SELECT ceil(greatest(count(*), 1) / %(most)s::numeric)::bigint AS one_in
    FROM recent
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
    recent.seen_until,
    thinned.one_in
FROM recent
CROSS JOIN thinned
WHERE recent.shipment_id %% thinned.one_in = 0;

ANALYZE chosen;
