-- Grain: one row per parcel that this run asks for. The longest due come first, up to each carrier's limit, and are
-- divided into shards of the size that fits its account.
DELETE FROM ops.poll_request WHERE run_id = %(run_id)s;

INSERT INTO ops.poll_request (run_id, shipment_id, carrier, shard, tracking_number, reason)
SELECT
    %(run_id)s,
    due.shipment_id,
    due.carrier,
    (due.place - 1) / bounds.shard_size,
    due.tracking_number,
    due.reason
FROM (
    SELECT
        shipment.shipment_id,
        shipment.carrier,
        shipment.tracking_number,
        CASE WHEN %(force)s OR %(numbers)s::text [] IS NOT NULL THEN 'asked for by hand' ELSE planned.reason END AS reason,
        row_number() OVER (
            PARTITION BY shipment.carrier ORDER BY planned.next_poll_at, shipment.shipment_id
        ) AS place
    FROM core.shipment AS shipment
    INNER JOIN core.shipment_number AS known ON shipment.shipment_id = known.shipment_id
    INNER JOIN ops.poll_plan AS planned ON shipment.shipment_id = planned.shipment_id
    WHERE
        shipment.carrier = ANY(%(carriers)s)
        AND CASE
            WHEN %(numbers)s::text [] IS NOT NULL THEN shipment.tracking_number = ANY(%(numbers)s)
            WHEN %(force)s THEN known.finished_at IS NULL
            ELSE planned.next_poll_at <= %(as_of)s
        END
) AS due
INNER JOIN unnest(%(carriers)s::text [], %(shard_sizes)s::integer [], %(most)s::integer [])
    AS bounds (carrier, shard_size, most)
    ON due.carrier = bounds.carrier
WHERE due.place <= bounds.most;

SELECT
    carrier,
    shard,
    count(*) AS parcels
FROM ops.poll_request
WHERE run_id = %(run_id)s
GROUP BY carrier, shard
ORDER BY carrier, shard;
