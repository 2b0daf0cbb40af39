-- A parcel keeps its number, lane and times: who sent for it can't be told from these. What else a file told of it goes with the
-- order, for nobody knows what that says. Grain: one row per parcel.
UPDATE core.shipment
SET order_id = NULL, attributes = NULL
WHERE shipment.order_id IN (SELECT erased_order.order_id FROM erased_order)
