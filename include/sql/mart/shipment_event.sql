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

COMMENT ON VIEW mart.shipment_event IS
'The timeline of every shipment. Grain: one row per scan; the same scan told by several sources (one minute, and one '
'milestone, one that says less, or another kind of movement) is one row. Events that the carrier no longer tells are left out. Always current: rows appear as they are loaded.';
COMMENT ON COLUMN mart.shipment_event.shipment_id IS 'Lanecast''s number of the shipment.';
COMMENT ON COLUMN mart.shipment_event.carrier IS 'Carrier of the shipment, as a slug; NULL where none is named.';
COMMENT ON COLUMN mart.shipment_event.tracking_number IS 'The carrier''s number for the parcel; NULL where not told.';
COMMENT ON COLUMN mart.shipment_event.order_id IS 'The shop''s order that the shipment fulfils; NULL where not told.';
COMMENT ON COLUMN mart.shipment_event.occurred_at IS 'When it happened.';
COMMENT ON COLUMN mart.shipment_event.local_time IS 'The same moment on a clock at the place, without zone.';
COMMENT ON COLUMN mart.shipment_event.utc_offset IS 'That clock''s distance from UTC, as +HH:MI or -HH:MI.';
COMMENT ON COLUMN mart.shipment_event.tz_known IS
'How the offset is known: offset (told), utc (told in UTC), place (from the place''s zone), assumed.';
COMMENT ON COLUMN mart.shipment_event.code IS 'The carrier''s status code; NULL where it gives text alone.';
COMMENT ON COLUMN mart.shipment_event.description IS 'The carrier''s words.';
COMMENT ON COLUMN mart.shipment_event.milestone IS 'What it means for the journey, in terms common to all carriers.';
COMMENT ON COLUMN mart.shipment_event.reason IS 'Why, where the carrier says so: customs_documents, weather, ...';
COMMENT ON COLUMN mart.shipment_event.country IS 'Country where it happened, ISO 3166-1 alpha-2.';
COMMENT ON COLUMN mart.shipment_event.region IS 'Region where it happened, as the carrier tells it.';
COMMENT ON COLUMN mart.shipment_event.city IS 'City where it happened, as the carrier tells it.';
COMMENT ON COLUMN mart.shipment_event.source IS 'Who told it: a carrier, or the file''s source.';
COMMENT ON COLUMN mart.shipment_event.ingested_at IS 'When it was loaded: what was known then.';
COMMENT ON COLUMN mart.shipment_event.refreshed_at IS 'When the row was last brought up to date: as ingested_at.';
COMMENT ON COLUMN mart.shipment_event.clock_disagrees IS
'Whether the carrier''s own readings of the moment (local with offset, and UTC) disagree: local with offset is believed.';
