-- What the learned hazard is trained on. Grain: one row per shipment that is under way or was delivered, newest start first: of the
-- newest %(most)s, an even sample of as many as have lived %(most_days)s days together, at most %(days_each)s each. Times are days
-- since 1970-01-01 UTC. Shipments that ended otherwise tell nothing of how long a delivery takes; those of which sight was
-- lost don't either. `is_all`: none was left out.
WITH moment AS MATERIALIZED (
    SELECT ops.as_of() AS as_of
),

-- one more than is taken, so as to know whether there are more
newest AS MATERIALIZED (
    SELECT
        status.shipment_id,
        coalesce(status.ordered_at, status.shipped_at) AS started_at,
        least(
            %(days_each)s,
            1 + extract(
                EPOCH FROM least(moment.as_of, greatest(status.delivered_at, status.ordered_at, status.shipped_at))
                - coalesce(status.ordered_at, status.shipped_at)
            ) / 86400
        ) AS days,
        row_number() OVER (ORDER BY coalesce(status.ordered_at, status.shipped_at) DESC, status.shipment_id DESC) AS place
    FROM serving.shipment_status AS status
    CROSS JOIN moment
    WHERE
        status.milestone <> ALL(%(ended)s::text [])
        AND coalesce(status.ordered_at, status.shipped_at) < moment.as_of
        AND coalesce(status.ordered_at, status.shipped_at) >= moment.as_of - make_interval(days => %(days)s)
    ORDER BY started_at DESC, status.shipment_id DESC
    LIMIT %(most)s + 1
),

sampled AS (
    SELECT
        least(%(most_days)s / nullif(sum(newest.days), 0), 1) AS share,
        count(*) <= %(most)s AND coalesce(sum(newest.days), 0) <= %(most_days)s AS is_all
    FROM newest
)

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
    shipment.attributes,
    sampled.is_all
FROM newest
CROSS JOIN sampled
INNER JOIN serving.shipment_status AS status ON newest.shipment_id = status.shipment_id
INNER JOIN core.shipment ON newest.shipment_id = shipment.shipment_id
-- which ones follows from their number alone, so that the next night takes the same
WHERE newest.place <= %(most)s AND (hashint8(newest.shipment_id) & 65535) < sampled.share * 65536
ORDER BY newest.started_at DESC, newest.shipment_id DESC
