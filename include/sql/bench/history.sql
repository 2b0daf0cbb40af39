-- Grain: one row per parcel of a made-up history, registered (core.shipment_number, core.shipment), and one per event of it
-- (core.tracking_event). Parcels are numbered from %(first)s on; of %(parcels)s in all, %(a_day)s are ordered a day, the last
-- %(until)s days before now. A parcel has %(scans)s of ten scans, some hours apart; the tenth delivers it.
WITH parcel AS (
    SELECT
        number.number,
        date_trunc('minute', %(as_of)s::timestamptz - make_interval(
            secs => (%(until)s + (%(parcels)s - number.number %% %(parcels)s)::double precision / %(a_day)s) * 86400
        )) AS ordered_at,
        1 + number.number %% 3 AS carrier,
        1 + number.number / 3 %% 2 AS service,
        1 + number.number / 6 %% 4 AS origin,
        1 + number.number / 24 %% 10 AS destination,
        1 + number.number / 240 %% 4 AS region
    FROM generate_series(%(first)s, %(first)s + %(count)s - 1) AS number (number)
),

registered AS (
    INSERT INTO core.shipment_number (
        carrier, tracking_number, epoch, shipment_id, opened_at, first_event_at, last_event_at, finished_at
    ) OVERRIDING SYSTEM VALUE
    SELECT
        (ARRAY['dhl', 'ups', 'fedex'])[parcel.carrier],
        'LC' || to_char(parcel.number, 'FM0000000000'),
        1,
        parcel.number,
        parcel.ordered_at,
        parcel.ordered_at + (1 + parcel.number %% 7) * interval '3 hours',
        parcel.ordered_at + %(scans)s * (1 + parcel.number %% 7) * interval '3 hours',
        CASE WHEN %(scans)s = 10 THEN parcel.ordered_at + %(scans)s * (1 + parcel.number %% 7) * interval '3 hours' END
    FROM parcel
),

shipped AS (
    INSERT INTO core.shipment (
        shipment_id, carrier, tracking_number, epoch, order_id, service, origin_country, origin_region, destination_country,
        destination_region, ordered_at, run_id, ingested_at, changed_at
    )
    SELECT
        parcel.number,
        (ARRAY['dhl', 'ups', 'fedex'])[parcel.carrier],
        'LC' || to_char(parcel.number, 'FM0000000000'),
        1,
        'order-' || parcel.number,
        (ARRAY['economy', 'express'])[parcel.service],
        (ARRAY['CN', 'DE', 'US', 'PL'])[parcel.origin],
        (ARRAY['CN-GD', 'DE-BE', 'US-CA', 'PL-14'])[parcel.origin],
        (ARRAY['FR', 'BR', 'GB', 'CA', 'ES', 'IT', 'JP', 'AU', 'MX', 'SE'])[parcel.destination],
        (ARRAY['FR', 'BR', 'GB', 'CA', 'ES', 'IT', 'JP', 'AU', 'MX', 'SE'])[parcel.destination] || '-' || parcel.region,
        parcel.ordered_at,
        'bench',
        %(as_of)s,
        %(as_of)s
    FROM parcel
),

changed AS (
    INSERT INTO ops.shipment_change (shipment_id, run_id)
    SELECT
        parcel.number,
        'bench'
    FROM parcel
)

INSERT INTO core.tracking_event (
    shipment_id, reported_at, event_hash, source, code, description, occurred_at, utc_offset_minutes, tz_known, milestone,
    country, city, run_number, ingested_at
)
SELECT
    parcel.number,
    moment.occurred_at AT TIME ZONE 'UTC',
    scan.number,
    'dhl',
    'code-' || scan.number,
    'Scan ' || scan.number,
    moment.occurred_at,
    0,
    'utc',
    (ARRAY[
        'info_received', 'picked_up', 'hub_arrived', 'export_customs_started', 'export_cleared',
        'destination_country_arrived', 'import_customs_started', 'import_cleared', 'out_for_delivery', 'delivered'
    ])[scan.number],
    CASE
        WHEN scan.number <= 5 THEN (ARRAY['CN', 'DE', 'US', 'PL'])[parcel.origin]
        ELSE (ARRAY['FR', 'BR', 'GB', 'CA', 'ES', 'IT', 'JP', 'AU', 'MX', 'SE'])[parcel.destination]
    END,
    'Depot ' || parcel.region,
    1,
    %(as_of)s
FROM parcel
CROSS JOIN generate_series(1, %(scans)s) AS scan (number)
CROSS JOIN LATERAL (
    SELECT parcel.ordered_at + scan.number * (1 + parcel.number %% 7) * interval '3 hours' AS occurred_at
) AS moment
