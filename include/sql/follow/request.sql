-- Grain: one row per parcel that this run asks for. Those come first whose news is likely to have waited longest, up to each
-- source's limit, and are divided into shards of the size that fits its account.
DELETE FROM ops.poll_request WHERE run_id = %(run_id)s;

INSERT INTO ops.poll_request (run_id, shipment_id, carrier, source, shard, tracking_number, reason)
SELECT
    %(run_id)s,
    due.shipment_id,
    due.carrier,
    due.source,
    (due.place - 1) / bounds.shard_size,
    due.tracking_number,
    due.reason
FROM (
    SELECT
        shipment.shipment_id,
        shipment.carrier,
        CASE
            WHEN %(force)s OR %(numbers)s::text [] IS NOT NULL THEN coalesce(%(only_source)s, planned.source)
            ELSE planned.source
        END AS source,
        shipment.tracking_number,
        CASE WHEN %(force)s OR %(numbers)s::text [] IS NOT NULL THEN 'asked for by hand' ELSE planned.reason END AS reason,
        row_number() OVER (
            PARTITION BY
                CASE
                    WHEN %(force)s OR %(numbers)s::text [] IS NOT NULL THEN coalesce(%(only_source)s, planned.source)
                    ELSE planned.source
                END
            ORDER BY
                coalesce(planned.news_per_hour, 0.02)
                * power(extract(EPOCH FROM %(as_of)s - coalesce(planned.last_polled_at, planned.next_poll_at)) / 3600, 2) DESC,
                planned.next_poll_at,
                shipment.shipment_id
        ) AS place
    FROM core.shipment AS shipment
    INNER JOIN core.shipment_number AS known ON shipment.shipment_id = known.shipment_id
    INNER JOIN ops.poll_plan AS planned ON shipment.shipment_id = planned.shipment_id
    WHERE
        (%(carrier)s IS NULL OR shipment.carrier = %(carrier)s)
        AND (%(only_source)s IS NULL OR %(force)s OR %(numbers)s::text [] IS NOT NULL OR planned.source = %(only_source)s)
        AND CASE
            WHEN %(numbers)s::text [] IS NOT NULL THEN shipment.tracking_number = ANY(%(numbers)s)
            WHEN %(force)s THEN known.finished_at IS NULL
            ELSE planned.next_poll_at <= %(as_of)s
        END
) AS due
INNER JOIN unnest(%(asked)s::text [], %(shard_sizes)s::integer [], %(most)s::integer [])
    AS bounds (source, shard_size, most)
    ON due.source = bounds.source
WHERE due.place <= bounds.most;

SELECT
    source,
    shard,
    count(*) AS parcels
FROM ops.poll_request
WHERE run_id = %(run_id)s
GROUP BY source, shard
ORDER BY source, shard;
