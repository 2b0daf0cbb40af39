-- Grain: one row per shipment. Open parcels borrow their expected range from the narrowest lane with enough delivered
-- parcels; of its two clocks, the handover's where the parcel was handed over, else the order's.
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
    coalesce(expected.is_overdue, false) AS is_stuck,
    CASE
        WHEN expected.is_overdue
            THEN coalesce(status.reason || '; ', '') || format(
                '%s days since %s, 95 %% of the lane''s delivered parcels took at most %s',
                round(expected.elapsed_days, 1),
                CASE expected.measure WHEN 'handover_to_door' THEN 'handover' ELSE 'the order' END,
                round(expected.p95, 1)
            )
    END AS stuck_reason,
    greatest(
        ((expected.starts_at + make_interval(secs => expected.p10 * 86400)) AT TIME ZONE coalesce(country.zone, 'UTC'))::date,
        ((SELECT ops.as_of()) AT TIME ZONE CASE WHEN expected.measure IS NOT NULL THEN coalesce(country.zone, 'UTC') END)::date
    ) AS expected_earliest,
    greatest(
        ((expected.starts_at + make_interval(secs => expected.p50 * 86400)) AT TIME ZONE coalesce(country.zone, 'UTC'))::date,
        ((SELECT ops.as_of()) AT TIME ZONE CASE WHEN expected.measure IS NOT NULL THEN coalesce(country.zone, 'UTC') END)::date
    ) AS expected_likely,
    greatest(
        ((expected.starts_at + make_interval(secs => expected.p90 * 86400)) AT TIME ZONE coalesce(country.zone, 'UTC'))::date,
        ((SELECT ops.as_of()) AT TIME ZONE CASE WHEN expected.measure IS NOT NULL THEN coalesce(country.zone, 'UTC') END)::date
    ) AS expected_latest,
    status.ended_at,
    status.refreshed_at
FROM serving.shipment_status AS status
LEFT JOIN core.country ON status.destination_country = country.country
LEFT JOIN LATERAL (
    SELECT
        lane_time.measure,
        clock.starts_at,
        (extract(EPOCH FROM (SELECT ops.as_of()) - clock.starts_at) / 86400)::numeric AS elapsed_days,
        serving.quantile(lane_time.curve, serving.age_bounds(lane_time.measure), 0.1) AS p10,
        serving.quantile(lane_time.curve, serving.age_bounds(lane_time.measure), 0.5) AS p50,
        serving.quantile(lane_time.curve, serving.age_bounds(lane_time.measure), 0.9) AS p90,
        serving.quantile(lane_time.curve, serving.age_bounds(lane_time.measure), 0.95)::numeric AS p95,
        extract(EPOCH FROM (SELECT ops.as_of()) - clock.starts_at) / 86400
        > serving.quantile(lane_time.curve, serving.age_bounds(lane_time.measure), 0.95) AS is_overdue
    FROM serving.delivery_time AS lane_time
    INNER JOIN (
        VALUES ('handover_to_door', status.shipped_at), ('order_to_door', status.ordered_at)
    ) AS clock (measure, starts_at) ON lane_time.measure = clock.measure
    WHERE
        status.milestone NOT IN ('delivered', 'lost', 'returning', 'returned', 'cancelled', 'destroyed')
        AND clock.starts_at IS NOT NULL
        AND lane_time.lane = ANY(serving.lanes(
            status.origin_country,
            status.origin_region,
            status.destination_country,
            status.destination_region,
            status.carrier,
            status.service
        ))
        AND lane_time.n_delivered >= serving.minimum_delivered()
    ORDER BY lane_time.specificity DESC, clock.measure ASC
    LIMIT 1
) AS expected ON true;
