-- Takes the changes present. Grain of the result: one row per shipment.
WITH consumed AS (
    DELETE FROM ops.shipment_change RETURNING shipment_id
)

INSERT INTO touched_shipment (shipment_id)
SELECT DISTINCT consumed.shipment_id FROM consumed
