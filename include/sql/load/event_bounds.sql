-- Grain: one row. Between these lie the batch's shipments and minutes: the statements that follow bind them as values, so
-- that the planner leaves out other months and knows how little of core is looked at.
SELECT
    (SELECT min(shipment_id) FROM span) AS first_shipment,
    (SELECT max(shipment_id) FROM span) AS last_shipment,
    min(first_minute) AS first_minute,
    max(last_minute) AS last_minute
FROM arriving;
