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
        lane_time.quantiles[20] AS p10,
        lane_time.quantiles[100] AS p50,
        lane_time.quantiles[180] AS p90,
        lane_time.quantiles[190]::numeric AS p95,
        extract(EPOCH FROM (SELECT ops.as_of()) - clock.starts_at) / 86400 > lane_time.quantiles[190] AS is_overdue
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

COMMENT ON VIEW mart.shipment_status IS
'Where every shipment stands. Grain: one row per shipment, as of the last refresh; days and expectations are as of now.';
COMMENT ON COLUMN mart.shipment_status.shipment_id IS 'Lanecast''s number of the shipment.';
COMMENT ON COLUMN mart.shipment_status.order_id IS 'The shop''s order that it fulfils; NULL where not told.';
COMMENT ON COLUMN mart.shipment_status.carrier IS 'Carrier, as a slug; NULL where none is named.';
COMMENT ON COLUMN mart.shipment_status.tracking_number IS 'The carrier''s number for the parcel; NULL where not told.';
COMMENT ON COLUMN mart.shipment_status.epoch IS 'Use of the tracking number, counted from 1: carriers recycle numbers.';
COMMENT ON COLUMN mart.shipment_status.service IS 'The carrier''s service.';
COMMENT ON COLUMN mart.shipment_status.origin_country IS 'Country sent from, ISO 3166-1 alpha-2.';
COMMENT ON COLUMN mart.shipment_status.origin_region IS 'Region sent from, ISO 3166-2.';
COMMENT ON COLUMN mart.shipment_status.destination_country IS 'Country sent to, ISO 3166-1 alpha-2.';
COMMENT ON COLUMN mart.shipment_status.destination_region IS 'Region sent to, ISO 3166-2.';
COMMENT ON COLUMN mart.shipment_status.ordered_at IS 'When it was ordered.';
COMMENT ON COLUMN mart.shipment_status.shipped_at IS
'When it was handed to the carrier: as the shop tells, else the first pick-up, else the first movement seen.';
COMMENT ON COLUMN mart.shipment_status.delivered_at IS
'When it was first delivered: as the carrier tells, else the shop. Stays where the parcel was sent back later.';
COMMENT ON COLUMN mart.shipment_status.milestone IS
'Where it is in its journey: the last event''s milestone. Once delivered, only a return changes it; tracking_expired '
'never undoes an end. Without events, what the shop''s file tells.';
COMMENT ON COLUMN mart.shipment_status.milestone_at IS 'When it reached the milestone; NULL where only a file tells it.';
COMMENT ON COLUMN mart.shipment_status.reason IS 'Why, where the carrier says so: customs_documents, weather, ...';
COMMENT ON COLUMN mart.shipment_status.last_place IS 'Place of the last event that names one: "City, CC", or "CC".';
COMMENT ON COLUMN mart.shipment_status.last_country IS 'Country of that place, ISO 3166-1 alpha-2.';
COMMENT ON COLUMN mart.shipment_status.days_under_way IS
'Days since the handover (since the order, where not handed over): until the end, or until now for open ones.';
COMMENT ON COLUMN mart.shipment_status.is_stuck IS
'Whether it is open, and under way for longer than 95 % of its lane''s delivered parcels took. The lane is the narrowest '
'with at least 20 delivered. Never true for parcels on their way back. Plain method: too quick to say stuck.';
COMMENT ON COLUMN mart.shipment_status.stuck_reason IS
'Why it counts as stuck: the last event''s reason, where it has one, and the days against the lane''s; NULL otherwise.';
COMMENT ON COLUMN mart.shipment_status.expected_earliest IS
'Earliest date expected, in the destination''s main time zone: the lane''s 10th percentile, never before today. NULL for '
'ended parcels, those on their way back, and where fewer than 20 parcels were delivered anywhere.';
COMMENT ON COLUMN mart.shipment_status.expected_likely IS
'Date expected, in the destination''s main time zone: the lane''s median, never before today. NULL as expected_earliest.';
COMMENT ON COLUMN mart.shipment_status.expected_latest IS
'Latest date expected, in the destination''s main time zone: the lane''s 90th percentile, never before today; today for a '
'parcel that is overdue. NULL as expected_earliest.';
COMMENT ON COLUMN mart.shipment_status.ended_at IS
'When its journey ended (delivered, lost, returned, cancelled, destroyed); NULL while open, or where the time is unknown.';
COMMENT ON COLUMN mart.shipment_status.refreshed_at IS 'When the row was last brought up to date.';
