-- Takes out the status of shipments that core no longer has.
DELETE FROM serving.shipment_status AS status
USING touched_shipment
WHERE
    status.shipment_id = touched_shipment.shipment_id
    AND NOT EXISTS (SELECT FROM core.shipment WHERE shipment.shipment_id = status.shipment_id)
