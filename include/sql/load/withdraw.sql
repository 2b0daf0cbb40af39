-- Grain: one row per event of the temporary table `withdrawn`: it leaves the timeline and stays in the record.
UPDATE core.tracking_event AS known SET withdrawn_at = %(as_of)s
FROM withdrawn
WHERE
    known.shipment_id = withdrawn.shipment_id
    AND known.reported_at = withdrawn.reported_at
    AND known.event_hash = withdrawn.event_hash;

-- Grain: one row per shipment that lost an event: its end is that of the events which are left, or the one that a file told.
UPDATE core.shipment_number AS known SET finished_at = told.finished_at
FROM (
    SELECT
        lost.shipment_id,
        greatest(
            shipment.delivered_at,
            (
                SELECT max(event.occurred_at) FROM core.tracking_event AS event
                WHERE
                    event.shipment_id = lost.shipment_id
                    AND event.withdrawn_at IS NULL
                    AND event.milestone = ANY(%(final)s)
            )
        ) AS finished_at
    FROM (SELECT DISTINCT shipment_id FROM withdrawn) AS lost
    INNER JOIN core.shipment AS shipment ON lost.shipment_id = shipment.shipment_id
    WHERE shipment.milestone IS NULL OR shipment.milestone <> ALL(%(final)s)
) AS told
WHERE known.shipment_id = told.shipment_id AND known.finished_at IS DISTINCT FROM told.finished_at;

INSERT INTO ops.shipment_change (shipment_id, run_id)
SELECT DISTINCT
    shipment_id,
    %(run_id)s
FROM withdrawn;
