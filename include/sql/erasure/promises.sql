-- A promise stays as it was issued, a range on a lane; whose it was is forgotten. So are those given to a parcel that goes, or that
-- keeps nothing but its number. Grain: one row per promise that forgets.
UPDATE serving.promise_log AS promise
SET promise_hash = NULL, order_id = NULL, tracking_number = NULL, shipment_id = NULL
WHERE promise.order_id IN (SELECT erased_order.order_id FROM erased_order)
