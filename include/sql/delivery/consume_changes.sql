-- Takes the changes present, and the spans of which a time that lay ahead has come. Grain of the result: one row per shipment.
WITH consumed AS (
    DELETE FROM ops.shipment_change RETURNING shipment_id
)

INSERT INTO touched_shipment (shipment_id)
SELECT consumed.shipment_id FROM consumed
UNION
SELECT span.shipment_id FROM serving.journey_span AS span
WHERE span.due_at <= (SELECT ops.as_of())
