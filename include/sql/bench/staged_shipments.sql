-- Grain: one row per parcel of a made-up registration: %(shipments)s parcels numbered from %(first)s on, ordered a day
-- before their first scan, on sixteen lanes.
INSERT INTO {staged} (
    staged_row, order_id, carrier, tracking_number, service, origin_country, destination_country, ordered_at
)
SELECT
    row_number() OVER (),
    'order-' || parcel.number,
    'dhl',
    'LC' || to_char(parcel.number, 'FM0000000000'),
    (ARRAY['economy', 'express'])[1 + parcel.number %% 2],
    (ARRAY['DE', 'CN'])[1 + parcel.number / 2 %% 2],
    (ARRAY['FR', 'BR', 'US', 'GB'])[1 + parcel.number / 4 %% 4],
    timestamptz '2025-12-31 00:00:00+00' + (parcel.number %% 5000) * interval '37 minutes'
FROM generate_series(%(first)s, %(first)s + %(shipments)s - 1) AS parcel (number);
