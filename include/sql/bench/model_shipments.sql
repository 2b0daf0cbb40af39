-- Made-up shipments of a year up to now, evenly, most of them delivered, with the columns that a shop's file has: with postcodes,
-- sellers, weights and prices, and one that is different in each. Grain: one row per shipment, in core and, as the refresh
-- writes it, in serving.
WITH drawn AS (
    SELECT
        number.n,
        moment.as_of,
        moment.as_of - interval '365 days' * number.n / %(shipments)s::double precision AS ordered_at,
        (ARRAY['BR', 'US', 'FR', 'GB', 'IT'])[1 + number.n %% 5] AS destination
    FROM (SELECT ops.as_of() AS as_of) AS moment
    CROSS JOIN generate_series(1, %(shipments)s::bigint) AS number (n)
),

timed AS (
    SELECT
        drawn.*,
        drawn.ordered_at + interval '1 day' * (0.5 + drawn.n * 37 %% 100 / 50.0) AS shipped_at,
        drawn.ordered_at + interval '1 day' * (3 + drawn.n * 53 %% 1000 / 60.0 + drawn.n %% 7) AS delivered_at
    FROM drawn
),

written AS (
    INSERT INTO core.shipment (
        shipment_id, carrier, epoch, order_id, origin_country, destination_country, destination_region, ordered_at, shipped_at,
        delivered_at, attributes, run_id, ingested_at, changed_at
    )
    SELECT
        timed.n,
        (ARRAY['ups', 'dhl', 'gls'])[1 + timed.n %% 3],
        1,
        'order ' || timed.n,
        (ARRAY['CN', 'DE'])[1 + timed.n %% 2],
        timed.destination,
        timed.destination || '-' || (1 + timed.n %% 9),
        timed.ordered_at,
        CASE WHEN timed.shipped_at <= timed.as_of THEN timed.shipped_at END,
        CASE WHEN timed.delivered_at <= timed.as_of THEN timed.delivered_at END,
        jsonb_build_object(
            'destination_postcode', lpad((timed.n * 7919 %% 100000)::text, 5, '0'),
            'origin_postcode', lpad((timed.n * 104729 %% 3000)::text, 5, '0'),
            'weight_g', timed.n * 31 %% 5000,
            'price', timed.n * 17 %% 20000 / 100.0,
            'items', 1 + timed.n %% 4,
            'seller', 'seller ' || timed.n %% 4000,
            'customer', 'customer ' || timed.n
        ),
        'bench',
        timed.ordered_at,
        timed.ordered_at
    FROM timed
    RETURNING *
)

INSERT INTO serving.shipment_status (
    shipment_id, order_id, carrier, epoch, origin_country, destination_country, destination_region, ordered_at, shipped_at,
    delivered_at, milestone, milestone_at, ended_at, refreshed_at
)
SELECT
    written.shipment_id,
    written.order_id,
    written.carrier,
    written.epoch,
    written.origin_country,
    written.destination_country,
    written.destination_region,
    written.ordered_at,
    written.shipped_at,
    written.delivered_at,
    CASE WHEN written.delivered_at IS NULL THEN 'in_transit' ELSE 'delivered' END,
    written.delivered_at,
    written.delivered_at,
    written.changed_at
FROM written
