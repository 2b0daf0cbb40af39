-- What the learned hazard is trained on. Grain: one row per shipment that is under way or was delivered, newest start first, at
-- most %(most)s of them. Times are days since 1970-01-01 UTC. Those that ended otherwise tell nothing of how long a delivery
-- takes; those of which sight was lost don't either.
SELECT
    status.shipment_id,
    extract(EPOCH FROM status.ordered_at)::double precision / 86400 AS ordered,
    extract(EPOCH FROM status.shipped_at)::double precision / 86400 AS shipped,
    extract(EPOCH FROM status.delivered_at)::double precision / 86400 AS delivered,
    status.origin_country,
    status.origin_region,
    status.destination_country,
    status.destination_region,
    status.carrier,
    status.service,
    shipment.attributes
FROM serving.shipment_status AS status
INNER JOIN core.shipment ON status.shipment_id = shipment.shipment_id
WHERE
    status.milestone <> ALL(%(ended)s::text [])
    AND coalesce(status.ordered_at, status.shipped_at) < (SELECT ops.as_of())
    AND coalesce(status.ordered_at, status.shipped_at) >= (SELECT ops.as_of()) - make_interval(days => %(days)s)
ORDER BY coalesce(status.ordered_at, status.shipped_at) DESC, status.shipment_id DESC
LIMIT %(most)s
