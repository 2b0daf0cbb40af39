-- Grain: one row per shipment of the temporary table `told` that comes back from the quarantine and of which something was
-- told since its row was last seen: what is known stands, and is only added to.
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
WHERE
    told.carrier = known.carrier
    AND told.number = known.tracking_number
    AND told.epoch = known.epoch
    AND shipment.changed_at > (
        SELECT max(bad.last_seen_at)
        FROM arriving
        INNER JOIN quality.quarantined_row AS bad ON arriving.staged_row = bad.quarantined_row_id
        WHERE arriving.carrier = told.carrier AND arriving.number = told.number AND arriving.epoch = told.epoch
    );
