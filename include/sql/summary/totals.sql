-- Grain: one row.
SELECT
    (SELECT count(*) FROM core.shipment) AS shipments,
    (SELECT count(*) FROM core.tracking_event) AS events;
