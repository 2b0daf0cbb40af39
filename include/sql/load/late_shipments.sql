-- Grain: one row per shipment of the temporary table `told` that comes back from the quarantine and of which something was
-- told by a later run than its row was last seen in: what is known stands, and is only added to.
UPDATE told SET
    order_id = coalesce(shipment.order_id, told.order_id),
    service = coalesce(shipment.service, told.service),
    origin_country = coalesce(shipment.origin_country, told.origin_country),
    origin_region = coalesce(shipment.origin_region, told.origin_region),
    destination_country = coalesce(shipment.destination_country, told.destination_country),
    destination_region = coalesce(shipment.destination_region, told.destination_region),
    ordered_at = coalesce(shipment.ordered_at, told.ordered_at),
    shipped_at = coalesce(shipment.shipped_at, told.shipped_at),
    delivered_at = coalesce(shipment.delivered_at, told.delivered_at),
    promised_at = coalesce(shipment.promised_at, told.promised_at),
    milestone = coalesce(shipment.milestone, told.milestone),
    attributes = coalesce(told.attributes || shipment.attributes, shipment.attributes, told.attributes)
FROM core.shipment_number AS known
INNER JOIN core.shipment AS shipment ON known.shipment_id = shipment.shipment_id
INNER JOIN ops.run AS telling ON shipment.run_id = telling.run_id
INNER JOIN (
    SELECT
        arriving.carrier,
        arriving.number,
        arriving.epoch,
        max(run.run_number) AS run_number
    FROM arriving
    INNER JOIN quality.quarantined_row AS bad ON arriving.staged_row = bad.quarantined_row_id
    INNER JOIN ops.run AS run ON bad.last_run_id = run.run_id
    GROUP BY arriving.carrier, arriving.number, arriving.epoch
) AS seen
    ON
        known.carrier = seen.carrier
        AND known.tracking_number = seen.number
        AND known.epoch = seen.epoch
WHERE
    told.carrier = known.carrier
    AND told.number = known.tracking_number
    AND told.epoch = known.epoch
    AND telling.run_number > seen.run_number;
