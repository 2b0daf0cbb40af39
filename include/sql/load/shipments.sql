-- Grain: one row per shipment. Policy per column: the newest value that is there wins; attributes are merged key by key.
-- Returns the number of rows loaded: new shipments, and those of which something changed.
WITH merged AS (
    INSERT INTO core.shipment AS known (
        shipment_id, carrier, tracking_number, epoch, order_id, service, origin_country, origin_region,
        destination_country, destination_region, ordered_at, shipped_at, delivered_at, promised_at, milestone,
        attributes, run_id, ingested_at, changed_at
    )
    SELECT
        number.shipment_id,
        told.carrier,
        told.tracking_number,
        told.epoch,
        told.order_id,
        told.service,
        told.origin_country,
        told.origin_region,
        told.destination_country,
        told.destination_region,
        told.ordered_at,
        told.shipped_at,
        told.delivered_at,
        told.promised_at,
        told.milestone,
        told.attributes,
        %(run_id)s,
        %(as_of)s,
        %(as_of)s
    FROM told
    INNER JOIN core.shipment_number AS number
        ON
            told.carrier = number.carrier
            AND told.number = number.tracking_number
            AND told.epoch = number.epoch
    ON CONFLICT (shipment_id) DO UPDATE SET
    order_id = coalesce(excluded.order_id, known.order_id),
    service = coalesce(excluded.service, known.service),
    origin_country = coalesce(excluded.origin_country, known.origin_country),
    origin_region = coalesce(excluded.origin_region, known.origin_region),
    destination_country = coalesce(excluded.destination_country, known.destination_country),
    destination_region = coalesce(excluded.destination_region, known.destination_region),
    ordered_at = coalesce(excluded.ordered_at, known.ordered_at),
    shipped_at = coalesce(excluded.shipped_at, known.shipped_at),
    delivered_at = coalesce(excluded.delivered_at, known.delivered_at),
    promised_at = coalesce(excluded.promised_at, known.promised_at),
    milestone = coalesce(excluded.milestone, known.milestone),
    attributes = coalesce(known.attributes || excluded.attributes, excluded.attributes, known.attributes),
    run_id = excluded.run_id,
    changed_at = excluded.changed_at
    WHERE
        (
            known.order_id, known.service, known.origin_country, known.origin_region, known.destination_country,
            known.destination_region, known.ordered_at, known.shipped_at, known.delivered_at, known.promised_at,
            known.milestone, known.attributes
        ) IS DISTINCT FROM (
            coalesce(excluded.order_id, known.order_id), coalesce(excluded.service, known.service),
            coalesce(excluded.origin_country, known.origin_country),
            coalesce(excluded.origin_region, known.origin_region),
            coalesce(excluded.destination_country, known.destination_country),
            coalesce(excluded.destination_region, known.destination_region),
            coalesce(excluded.ordered_at, known.ordered_at), coalesce(excluded.shipped_at, known.shipped_at),
            coalesce(excluded.delivered_at, known.delivered_at), coalesce(excluded.promised_at, known.promised_at),
            coalesce(excluded.milestone, known.milestone),
            coalesce(known.attributes || excluded.attributes, excluded.attributes, known.attributes)
        )
    RETURNING shipment_id
),

changed AS (
    INSERT INTO ops.shipment_change (shipment_id, run_id)
    SELECT
        shipment_id,
        %(run_id)s
    FROM merged
)

SELECT count(*) FROM merged;
