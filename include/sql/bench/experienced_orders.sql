-- Orders of two years before %(as_of)s with their lines and parcels: a third as many customers, of whom some order far more often
-- than others, every tenth order a guest's; ten countries; in every tenth order something came back; one parcel in a hundred was
-- lost, the others came three to fifteen days after an order that was promised within ten. Grain: one row per order.
INSERT INTO core.customer_order (order_id, customer_id, ordered_at, status, currency, country, run_id, ingested_at)
SELECT
    'order-' || made.number,
    CASE WHEN made.number %% 10 > 0 THEN 'c' || md5(floor(random() ^ 2 * %(orders)s / 3)::text) END,
    %(as_of)s::timestamptz - random() * interval '700 days',
    'paid',
    'EUR',
    (ARRAY['BR', 'DE', 'FR', 'US', 'CA', 'GB', 'IT', 'ES', 'AU', 'JP'])[1 + floor(random() ^ 2 * 10)::integer],
    'bench',
    %(as_of)s
FROM generate_series(1, %(orders)s) AS made (number);

-- Grain: one row per order and line.
INSERT INTO core.order_line (order_id, line_number, product_id, quantity, unit_price, occurred_at, run_id, ingested_at)
SELECT
    placed.order_id,
    line.number,
    'product',
    CASE WHEN line.number = 3 THEN -1 ELSE 1 END,
    20,
    CASE WHEN line.number = 3 THEN placed.ordered_at + interval '20 days' END,
    'bench',
    %(as_of)s
FROM core.customer_order AS placed
CROSS JOIN generate_series(1, 3) AS line (number)
WHERE line.number < 3 OR hashtext(placed.order_id) %% 10 = 0;

-- Grain: one row per order.
INSERT INTO core.shipment (
    shipment_id, carrier, tracking_number, epoch, order_id, destination_country, ordered_at, promised_at, run_id, ingested_at,
    changed_at
)
SELECT
    row_number() OVER (),
    'ups',
    'parcel of ' || placed.order_id,
    1,
    placed.order_id,
    placed.country,
    placed.ordered_at,
    placed.ordered_at + interval '10 days',
    'bench',
    %(as_of)s,
    %(as_of)s
FROM core.customer_order AS placed;

-- Grain: one row per order.
INSERT INTO serving.shipment_status (
    shipment_id, order_id, carrier, tracking_number, epoch, destination_country, ordered_at, shipped_at, delivered_at, milestone,
    milestone_at, refreshed_at
)
SELECT
    shipment.shipment_id,
    shipment.order_id,
    shipment.carrier,
    shipment.tracking_number,
    shipment.epoch,
    shipment.destination_country,
    shipment.ordered_at,
    shipment.ordered_at + interval '1 day',
    CASE WHEN shipment.shipment_id %% 100 > 0 THEN shipment.ordered_at + (3 + random() * 12) * interval '1 day' END,
    CASE WHEN shipment.shipment_id %% 100 > 0 THEN 'delivered' ELSE 'lost' END,
    shipment.ordered_at + interval '20 days',
    %(as_of)s
FROM core.shipment;
