-- Grain: one row per shipment followed, and one per parcel that the made-up pull asked for.
INSERT INTO ops.poll_plan (shipment_id, carrier, source, next_poll_at, reason)
SELECT
    shipment_id,
    carrier,
    carrier,
    %(as_of)s,
    'new: never asked for'
FROM core.shipment;

INSERT INTO ops.poll_request (run_id, shipment_id, carrier, source, shard, tracking_number, reason)
SELECT
    %(run_id)s,
    shipment_id,
    carrier,
    carrier,
    0,
    tracking_number,
    'new: never asked for'
FROM core.shipment;
