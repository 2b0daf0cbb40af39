-- Grain: one row per parcel that this run asks for. The longest due come first, up to the limit per carrier, and are
-- divided into shards of about equal size.
DELETE FROM ops.poll_request WHERE run_id = %(run_id)s;

INSERT INTO ops.poll_request (run_id, shipment_id, carrier, shard, tracking_number, reason)
SELECT
    %(run_id)s,
    shipment_id,
    carrier,
    (place - 1) / %(shard_size)s,
    tracking_number,
    reason
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
WHERE place <= %(shard_size)s * %(shards)s;

SELECT
    carrier,
    shard,
    count(*) AS parcels
FROM ops.poll_request
WHERE run_id = %(run_id)s
GROUP BY carrier, shard
ORDER BY carrier, shard;
