-- Grain: one row per open shipment of a known carrier: from its first sight on, it is due at once. A piece that a pull
-- found under another number has been told of with that answer, and is due two hours later.
INSERT INTO ops.poll_plan (shipment_id, carrier, next_poll_at, reason)
SELECT
    open.shipment_id,
    open.carrier,
    coalesce(pull.as_of + interval '2 hours', %(as_of)s),
    CASE WHEN pull.run_id IS NULL THEN 'new: never asked for' ELSE 'told of with another piece of its shipment' END
FROM core.shipment_number AS open
INNER JOIN core.shipment AS shipment ON open.shipment_id = shipment.shipment_id
LEFT JOIN ops.run AS pull
    ON shipment.run_id = pull.run_id AND pull.kind = 'pull' AND open.last_event_at IS NOT NULL
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
