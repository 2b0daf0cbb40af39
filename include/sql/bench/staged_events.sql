-- Grain: one row per event of a made-up batch: %(shipments)s parcels of ten scans each, numbered from %(first)s on.
INSERT INTO {staged} (
    staged_row, carrier, tracking_number, source, code, description, reported_at, occurred_at, utc_offset_minutes,
    tz_known, milestone, country, region, city, event_hash, raw_answer_id
)
SELECT
    row_number() OVER (),
    'dhl',
    'LC' || to_char(parcel.number, 'FM0000000000'),
    'dhl',
    'code-' || scan.number,
    (ARRAY[
        'Shipment information received', 'Picked up by the courier', 'Arrived at the sorting centre',
        'Left the country of origin', 'Arrived in the destination country', 'Customs clearance started',
        'Released by customs', 'Arrived at the delivery depot', 'With the courier for delivery', 'Delivered'
    ])[scan.number],
    moment.local_at,
    moment.local_at AT TIME ZONE 'UTC' - interval '1 hour',
    60,
    'place',
    (ARRAY[
        'info_received', 'picked_up', 'hub_arrived', 'export_cleared', 'destination_country_arrived',
        'import_customs_started', 'import_cleared', 'hub_arrived', 'out_for_delivery', 'delivered'
    ])[scan.number],
    CASE WHEN scan.number <= 4 THEN 'DE' ELSE 'FR' END,
    NULL,
    (ARRAY[
        'Bremen', 'Bremen', 'Leipzig', 'Leipzig', 'Paris', 'Paris', 'Paris', 'Lyon', 'Lyon', 'Lyon'
    ])[scan.number],
    hashtextextended('dhl' || scan.number, 0),
    NULL
FROM generate_series(%(first)s, %(first)s + %(shipments)s - 1) AS parcel (number)
CROSS JOIN generate_series(1, 10) AS scan (number)
CROSS JOIN LATERAL (
    SELECT date_trunc('minute', timestamp '2026-01-01' + (parcel.number %% 5000) * interval '37 minutes'
        + scan.number * interval '13 hours') AS local_at
) AS moment;
