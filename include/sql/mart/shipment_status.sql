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
    coalesce(eta.is_stuck, false) AS is_stuck,
    CASE
        WHEN eta.is_stuck
            THEN format(
                '%s; %s days at %s, where 95 %% of its kind that move on do so within %s: 1 in %s stays so long',
                coalesce(
                    eta.reason,
                    CASE WHEN eta.last_scan_at > eta.since THEN 'no reason told' ELSE 'the carrier''s scans stopped' END
                ),
                round((extract(EPOCH FROM (SELECT ops.as_of()) - eta.since) / 86400)::numeric, 1),
                replace(eta.step, '_', ' '),
                round(eta.dwell_p95::numeric, 1),
                eta.one_in
            )
    END AS stuck_reason,
    serving.date_ahead(eta.refreshed_at, eta.remaining[2], eta.now_if_known, country.zone) AS expected_earliest,
    serving.date_ahead(eta.refreshed_at, eta.remaining[4], eta.now_if_known, country.zone) AS expected_likely,
    serving.date_ahead(eta.refreshed_at, eta.remaining[6], eta.now_if_known, country.zone) AS expected_latest,
    status.ended_at,
    status.refreshed_at,
    CASE WHEN eta.is_stuck THEN eta.one_in END AS stuck_one_in
FROM serving.shipment_status AS status
LEFT JOIN core.country ON status.destination_country = country.country
LEFT JOIN LATERAL (
    SELECT
        told.*,
        (SELECT ops.as_of()) > told.stuck_at
        AND told.milestone = status.milestone
        AND coalesce(told.milestone_at, '-infinity') = coalesce(status.milestone_at, '-infinity') AS is_stuck,
        round(1 / greatest(least(told.stays_longer, 0.05), 0.001)::numeric) AS one_in,
        CASE WHEN told.remaining IS NOT NULL THEN (SELECT ops.as_of()) END AS now_if_known
    FROM serving.shipment_eta AS told
    WHERE
        told.shipment_id = status.shipment_id
        AND status.milestone NOT IN ('delivered', 'lost', 'returning', 'returned', 'cancelled', 'destroyed')
) AS eta ON true;
