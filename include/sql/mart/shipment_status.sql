-- Grain: one row per shipment. What is said of an open one's rest of the way is in serving.shipment_eta, as of its last run; that it
-- is stuck holds only while it still stands where that run saw it.
CREATE OR REPLACE VIEW mart.shipment_status AS
SELECT
    status.shipment_id,
    status.order_id,
    status.carrier,
    status.tracking_number,
    status.epoch,
    status.service,
    status.origin_country,
    status.origin_region,
    status.destination_country,
    status.destination_region,
    status.ordered_at,
    status.shipped_at,
    status.delivered_at,
    status.milestone,
    status.milestone_at,
    status.reason,
    status.last_place,
    status.last_country,
    (
        extract(EPOCH FROM CASE
            WHEN status.milestone IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed') THEN status.ended_at
            ELSE (SELECT ops.as_of())
        END - coalesce(status.shipped_at, status.ordered_at)) / 86400
    )::numeric AS days_under_way,
    coalesce((SELECT ops.as_of()) > eta.stuck_at AND eta.is_there, false) AS is_stuck,
    CASE
        WHEN (SELECT ops.as_of()) > eta.stuck_at AND eta.is_there
            THEN format(
                '%s; %s days at %s, where 95 %% of its kind that move on do so within %s: 1 in %s stays so long',
                coalesce(
                    eta.reason,
                    CASE WHEN eta.last_scan_at > eta.since THEN 'no reason told' ELSE 'the carrier''s scans stopped' END
                ),
                round((extract(EPOCH FROM (SELECT ops.as_of()) - eta.since) / 86400)::numeric, 1),
                replace(eta.step, '_', ' '),
                round(eta.dwell_p95::numeric, 1),
                round(1 / greatest(least(eta.stays_longer, 0.05), 0.001)::numeric)
            )
    END AS stuck_reason,
    (
        greatest(eta.refreshed_at + make_interval(secs => eta.remaining[2] * 86400), eta.now_if_known)
        AT TIME ZONE coalesce(country.zone, 'UTC')
    )::date AS expected_earliest,
    (
        greatest(eta.refreshed_at + make_interval(secs => eta.remaining[4] * 86400), eta.now_if_known)
        AT TIME ZONE coalesce(country.zone, 'UTC')
    )::date AS expected_likely,
    (
        greatest(eta.refreshed_at + make_interval(secs => eta.remaining[6] * 86400), eta.now_if_known)
        AT TIME ZONE coalesce(country.zone, 'UTC')
    )::date AS expected_latest,
    status.ended_at,
    status.refreshed_at,
    CASE
        WHEN (SELECT ops.as_of()) > eta.stuck_at AND eta.is_there
            THEN round(1 / greatest(least(eta.stays_longer, 0.05), 0.001)::numeric)
    END AS stuck_one_in
FROM serving.shipment_status AS status
LEFT JOIN core.country ON status.destination_country = country.country
LEFT JOIN LATERAL (
    SELECT
        told.*,
        told.milestone = status.milestone
        AND coalesce(told.milestone_at, '-infinity') = coalesce(status.milestone_at, '-infinity') AS is_there,
        CASE WHEN told.remaining IS NOT NULL THEN (SELECT ops.as_of()) END AS now_if_known
    FROM serving.shipment_eta AS told
    WHERE
        told.shipment_id = status.shipment_id
        AND status.milestone NOT IN ('delivered', 'lost', 'returning', 'returned', 'cancelled', 'destroyed')
) AS eta ON true;
