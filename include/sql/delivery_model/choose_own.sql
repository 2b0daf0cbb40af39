-- Open shipments that want a curve of their own: the next %(most)s clocks by shipment_id, and the other clock of the last, of those
-- that have begun, without a curve of the version in use from that start, where the hazard told own features serves.
-- Grain: one row per shipment; `ordered` and `shipped` are days since 1970-01-01 UTC, NULL where that clock has its curve already.
WITH wanted AS (
    SELECT
        status.shipment_id,
        clock.measure,
        extract(EPOCH FROM clock.starts_at)::double precision / 86400 AS started
    FROM serving.shipment_status AS status
    INNER JOIN serving.delivery_model AS model ON model.status = 'serving'
    CROSS JOIN LATERAL (
        VALUES ('order_to_door', status.ordered_at), ('handover_to_door', status.shipped_at)
    ) AS clock (measure, starts_at)
    -- the narrowest group that holds it decides, as for lanes
    LEFT JOIN serving.delivery_model_score AS pair
        ON
            model.version = pair.version
            AND clock.measure = pair.measure
            AND status.origin_country = pair.origin_country
            AND status.destination_country = pair.destination_country
    LEFT JOIN serving.delivery_model_score AS country
        ON
            model.version = country.version
            AND clock.measure = country.measure
            AND country.origin_country IS NULL
            AND status.destination_country = country.destination_country
    LEFT JOIN serving.delivery_model_score AS overall
        ON
            model.version = overall.version
            AND clock.measure = overall.measure
            AND overall.origin_country IS NULL
            AND overall.destination_country IS NULL
    LEFT JOIN serving.learned_shipment_curve AS own
        ON
            status.shipment_id = own.shipment_id
            AND clock.measure = own.measure
            AND clock.starts_at = own.starts_at
            AND model.version = own.model_version
    WHERE
        status.shipment_id > %(after)s
        AND status.milestone NOT IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed')
        AND status.milestone NOT IN ('returning', 'tracking_expired')
        AND clock.starts_at < (SELECT ops.as_of())
        AND coalesce(pair.informed_serves, country.informed_serves, overall.informed_serves)
        AND own.shipment_id IS NULL
    ORDER BY status.shipment_id
    FETCH FIRST %(most)s ROWS WITH TIES
),

asked AS (
    SELECT
        wanted.shipment_id,
        max(wanted.started) FILTER (WHERE wanted.measure = 'order_to_door') AS ordered,
        max(wanted.started) FILTER (WHERE wanted.measure = 'handover_to_door') AS shipped
    FROM wanted
    GROUP BY wanted.shipment_id
)

SELECT
    asked.shipment_id,
    asked.ordered,
    asked.shipped,
    NULL::double precision AS delivered,
    status.origin_country,
    status.origin_region,
    status.destination_country,
    status.destination_region,
    status.carrier,
    status.service,
    shipment.attributes,
    true AS is_all
FROM asked
INNER JOIN serving.shipment_status AS status ON asked.shipment_id = status.shipment_id
LEFT JOIN core.shipment ON asked.shipment_id = shipment.shipment_id
ORDER BY asked.shipment_id
