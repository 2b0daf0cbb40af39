-- The shipments to learn from: those that began in the last %(days)s days, thinned by their numbers to about %(most)s.
-- Grain of the temporary table: one row per shipment; they are seen until their last answer where a carrier is asked, else until now.
CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS
WITH recent AS (
    SELECT *
    FROM serving.shipment_status
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
    CASE
        WHEN plan.shipment_id IS NULL THEN %(as_of)s
        ELSE least(coalesce(plan.answered_at, plan.last_polled_at, recent.ordered_at), %(as_of)s)
    END AS seen_until,
    thinned.one_in
FROM recent
CROSS JOIN thinned
LEFT JOIN ops.poll_plan AS plan ON recent.shipment_id = plan.shipment_id
WHERE recent.shipment_id %% thinned.one_in = 0;

ANALYZE chosen;
