-- The shipments that were in a step within the last days: open ones, and those that ended not longer ago than %(days)s days.
-- Grain of the temporary table: one row per shipment; as choose_sample.
CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS
WITH recent AS (
    SELECT *
    FROM serving.shipment_status
    WHERE
        milestone NOT IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed')
        AND coalesce(ordered_at, shipped_at, milestone_at) > %(as_of)s - interval '200 days'
    UNION ALL
    SELECT *
    FROM serving.shipment_status
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
    CASE
        WHEN plan.shipment_id IS NULL THEN %(as_of)s
        ELSE least(coalesce(plan.answered_at, plan.last_polled_at, recent.ordered_at), %(as_of)s)
    END AS seen_until
FROM recent
LEFT JOIN ops.poll_plan AS plan ON recent.shipment_id = plan.shipment_id
WHERE recent.shipment_id %% %(one_in)s = 0;

ANALYZE chosen;
