-- Five more scans of each of %(parcels)s open parcels, numbered from %(first)s on; those of odd number are delivered by the last.
-- Grain: one row per event.
WITH open AS (
    SELECT
        number.shipment_id,
        number.last_event_at,
        1 + number.shipment_id %% 7 AS pace
    FROM core.shipment_number AS number
    WHERE number.shipment_id BETWEEN %(first)s AND %(first)s + %(parcels)s - 1
),

moved AS (
    UPDATE core.shipment_number AS number SET last_event_at = open.last_event_at + 5 * open.pace * interval '20 minutes'
    FROM open
    WHERE number.shipment_id = open.shipment_id
),

changed AS (
    INSERT INTO ops.shipment_change (shipment_id, run_id)
    SELECT
        open.shipment_id,
        'bench'
    FROM open
)

INSERT INTO core.tracking_event (
    shipment_id, reported_at, event_hash, source, code, description, occurred_at, utc_offset_minutes, tz_known, milestone,
    country, city, run_number, ingested_at
)
SELECT
    open.shipment_id,
    moment.occurred_at AT TIME ZONE 'UTC',
    scan.number,
    'dhl',
    'code-' || scan.number,
    'Scan ' || scan.number,
    moment.occurred_at,
    0,
    'utc',
    CASE
        WHEN scan.number = 10 AND open.shipment_id %% 2 = 0 THEN 'failed_attempt'
        ELSE (ARRAY['destination_country_arrived', 'import_customs_started', 'import_cleared', 'out_for_delivery', 'delivered'])[
            scan.number - 5
        ]
    END,
    shipment.destination_country,
    'Depot',
    1,
    %(as_of)s
FROM open
INNER JOIN core.shipment AS shipment ON open.shipment_id = shipment.shipment_id
CROSS JOIN generate_series(6, 10) AS scan (number)
CROSS JOIN LATERAL (
    SELECT open.last_event_at + (scan.number - 5) * open.pace * interval '20 minutes' AS occurred_at
) AS moment
