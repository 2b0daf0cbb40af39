-- Grain: one row per scan of a shipment. The same scan told by several sources is one row: of one minute (on the local
-- clock, or in UTC, for some tell the one and some the other) and one milestone, or with a milestone that says less; two
-- sources may also read one movement differently. Where a zone was assumed, the minute of the hour tells. The shipment's own
-- carrier is believed first.
CREATE OR REPLACE VIEW mart.shipment_event AS
SELECT
    event.shipment_id,
    nullif(shipment.carrier, 'unknown') AS carrier,
    shipment.tracking_number,
    shipment.order_id,
    event.occurred_at,
    (event.occurred_at AT TIME ZONE 'UTC') + make_interval(mins => event.utc_offset_minutes::integer) AS local_time,
    CASE WHEN event.utc_offset_minutes < 0 THEN '-' ELSE '+' END
    || to_char(make_interval(mins => abs(event.utc_offset_minutes)::integer), 'HH24:MI') AS utc_offset,
    event.tz_known,
    event.code,
    event.description,
    event.milestone,
    event.reason,
    event.country,
    event.region,
    event.city,
    event.source,
    event.ingested_at,
    event.ingested_at AS refreshed_at,
    event.clock_disagrees
FROM core.tracking_event AS event
INNER JOIN core.shipment ON event.shipment_id = shipment.shipment_id
WHERE
    event.withdrawn_at IS NULL
    AND NOT EXISTS (
        SELECT FROM core.tracking_event AS other
        WHERE
            other.shipment_id = event.shipment_id
            AND other.reported_at BETWEEN event.reported_at - interval '15 hours' AND event.reported_at + interval '15 hours'
            AND (
                (
                    (
                        other.reported_at = event.reported_at
                        OR date_trunc('minute', other.occurred_at) = date_trunc('minute', event.occurred_at)
                    )
                    AND (
                        other.milestone = event.milestone
                        OR event.milestone = 'in_transit'
                        OR (
                            other.milestone IN (
                                'picked_up', 'in_transit', 'hub_arrived', 'hub_departed', 'destination_country_arrived'
                            )
                            AND event.milestone IN (
                                'picked_up', 'hub_arrived', 'hub_departed', 'destination_country_arrived'
                            )
                        )
                    )
                )
                OR (
                    'assumed' IN (other.tz_known, event.tz_known)
                    AND other.milestone = event.milestone
                    AND extract(MINUTE FROM other.occurred_at) = extract(MINUTE FROM event.occurred_at)
                )
            )
            AND other.source <> event.source
            AND other.withdrawn_at IS NULL
            AND (other.source <> shipment.carrier, other.source) < (event.source <> shipment.carrier, event.source)
    );
