-- Grain: one row per open shipment of a known carrier: from its first sight on, it is due at once.
INSERT INTO ops.poll_plan (shipment_id, carrier, next_poll_at, reason)
SELECT
    open.shipment_id,
    open.carrier,
    %(as_of)s,
    'new: never asked for'
FROM core.shipment_number AS open
INNER JOIN core.shipment AS shipment ON open.shipment_id = shipment.shipment_id
WHERE
    open.finished_at IS NULL
    AND open.carrier = ANY(%(carriers)s)
    AND shipment.tracking_number IS NOT NULL
    AND NOT EXISTS (SELECT FROM ops.poll_plan AS planned WHERE planned.shipment_id = open.shipment_id)
ON CONFLICT (shipment_id) DO NOTHING;

-- Grain: one row per followed shipment whose journey ended, as a file or another source told: no longer asked for.
UPDATE ops.poll_plan AS planned SET
    next_poll_at = NULL,
    reason = 'finished'
FROM core.shipment_number AS ended
WHERE
    planned.shipment_id = ended.shipment_id
    AND planned.next_poll_at IS NOT NULL
    AND ended.finished_at IS NOT NULL;
