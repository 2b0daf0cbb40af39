-- Grain: one row: the rows accepted, and of these the duplicates: found in core under their number and epoch, less those
-- that said something new.
SELECT
    count(*) AS told,
    count(shipment.shipment_id) - %(loaded)s AS duplicate
FROM accepted
LEFT JOIN arriving ON accepted.staged_row = arriving.staged_row
LEFT JOIN core.shipment_number AS known
    ON arriving.carrier = known.carrier AND arriving.number = known.tracking_number AND arriving.epoch = known.epoch
LEFT JOIN core.shipment AS shipment ON known.shipment_id = shipment.shipment_id;
