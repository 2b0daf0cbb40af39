-- Grain: one row: of a staged batch of events, how many break each of the rules that `lanecast bench validate` judges.
-- What one would write who has only this batch to count: one scan, one sort by parcel and time, no row put aside.
SELECT
    count(unreadable) AS unreadable_value,
    count(*) FILTER (
        WHERE NOT (coalesce(carrier, '') <> '' AND coalesce(tracking_number, '') <> '')
    ) AS event_without_parcel,
    count(*) FILTER (
        WHERE NOT (tracking_number !~ '[^A-Za-z0-9-]' AND length(tracking_number) BETWEEN 4 AND 40)
    ) AS tracking_number_malformed,
    count(*) FILTER (WHERE NOT (carrier !~ '[^a-z0-9_-]' AND length(carrier) BETWEEN 1 AND 40)) AS carrier_malformed,
    count(*) FILTER (WHERE reported_at IS NULL OR occurred_at IS NULL) AS event_without_time,
    count(*) FILTER (WHERE coalesce(code, '') = '' AND coalesce(description, '') = '') AS event_says_nothing,
    count(*) FILTER (WHERE length(code) > 200) AS code_too_long,
    count(*) FILTER (
        WHERE coalesce(milestone, '') NOT IN (
            'registered', 'info_received', 'picked_up', 'in_transit', 'hub_arrived', 'hub_departed',
            'export_customs_started', 'export_cleared', 'destination_country_arrived', 'import_customs_started',
            'customs_hold', 'import_cleared', 'out_for_delivery', 'appointment_set', 'available_for_pickup',
            'failed_attempt', 'delivered', 'delayed', 'damaged', 'lost', 'returning', 'returned', 'cancelled',
            'destroyed', 'tracking_expired'
        )
    ) AS milestone_unknown,
    count(*) FILTER (
        WHERE utc_offset_minutes IS NULL OR utc_offset_minutes NOT BETWEEN -840 AND 840
    ) AS utc_offset_out_of_range,
    count(*) FILTER (
        WHERE coalesce(tz_known, '') NOT IN ('offset', 'utc', 'place', 'assumed')
    ) AS tz_known_unknown,
    count(*) FILTER (WHERE source IS NULL OR event_hash IS NULL) AS event_without_identity,
    count(*) FILTER (
        WHERE occurred_at < timestamptz '1990-01-01 00:00:00+00' OR reported_at < timestamp '1990-01-01'
    ) AS event_before_1990,
    count(*) FILTER (
        WHERE
            occurred_at > %(as_of)s::timestamptz + interval '26 hours'
            OR reported_at > %(as_of)s::timestamptz AT TIME ZONE 'UTC' + interval '40 hours'
    ) AS event_in_future,
    count(*) FILTER (WHERE occurred_at < used_from - interval '74 hours') AS event_before_shipment,
    count(*) FILTER (
        WHERE country NOT IN (SELECT known.country FROM core.country AS known)
    ) AS country_unknown,
    count(*) FILTER (
        WHERE NOT (region ~ '^[A-Z]{2}-[A-Z0-9]{1,3}$' AND left(region, 2) = coalesce(country, left(region, 2)))
    ) AS region_malformed,
    count(*) FILTER (
        WHERE
            abs(extract(EPOCH FROM reported_at - (occurred_at AT TIME ZONE 'UTC')) - utc_offset_minutes * 60) > 60
    ) AS clock_contradicts_itself,
    count(*) FILTER (
        WHERE
            milestone = 'delivered'
            AND is_after_delivery
            AND returning_before IS DISTINCT FROM greatest(returning_before, delivered_before)
    ) AS delivered_twice,
    count(*) FILTER (
        WHERE
            milestone IN (
                'picked_up', 'hub_arrived', 'hub_departed', 'export_customs_started', 'export_cleared',
                'destination_country_arrived', 'import_customs_started', 'import_cleared', 'out_for_delivery',
                'failed_attempt'
            )
            AND is_after_delivery
            AND returning_before IS DISTINCT FROM greatest(returning_before, delivered_before)
    ) AS movement_after_delivery,
    count(*) FILTER (
        WHERE
            occurred_at >= CASE
                WHEN milestone IN ('registered', 'info_received')
                    THEN greatest(under_way_before, arrived_before, at_the_door_before)
                WHEN milestone IN ('picked_up', 'export_customs_started', 'export_cleared')
                    THEN greatest(arrived_before, at_the_door_before)
                WHEN milestone IN ('destination_country_arrived', 'import_customs_started', 'import_cleared')
                    THEN at_the_door_before
            END + interval '61 minutes'
            AND occurred_at
            <= greatest(under_way_before, arrived_before, at_the_door_before) + interval '120 days'
            AND coalesce(greatest(delivered_before, returning_before) < occurred_at - interval '120 days', true)
    ) AS status_going_backwards
FROM (
    SELECT
        *,
        occurred_at BETWEEN delivered_before + interval '61 minutes' AND delivered_before + interval '120 days'
            AS is_after_delivery
    FROM (
        SELECT
            event.*,
            parcel.used_from,
            max(event.occurred_at) FILTER (WHERE event.milestone = 'delivered') OVER earlier AS delivered_before,
            max(event.occurred_at) FILTER (WHERE event.milestone IN ('returning', 'returned')) OVER earlier
                AS returning_before,
            max(event.occurred_at) FILTER (
                WHERE event.milestone IN ('picked_up', 'export_customs_started', 'export_cleared')
            ) OVER earlier AS under_way_before,
            max(event.occurred_at) FILTER (WHERE event.milestone = 'destination_country_arrived') OVER earlier
                AS arrived_before,
            max(event.occurred_at) FILTER (
                WHERE event.milestone IN ('out_for_delivery', 'available_for_pickup', 'failed_attempt')
            ) OVER earlier AS at_the_door_before
        FROM {staged} AS event
        LEFT JOIN (
            SELECT
                carrier,
                tracking_number,
                CASE
                    WHEN bool_and(coalesce(ordered_at, shipped_at) IS NOT NULL) THEN min(least(ordered_at, shipped_at))
                END AS used_from
            FROM core.shipment
            GROUP BY carrier, tracking_number
        ) AS parcel
            ON event.carrier = parcel.carrier AND event.tracking_number = parcel.tracking_number
        WINDOW earlier AS (
            PARTITION BY event.tracking_number, event.carrier
            ORDER BY event.occurred_at
            GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    ) AS scan
) AS told;
