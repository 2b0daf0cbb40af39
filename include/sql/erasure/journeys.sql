-- Grain of the temporary table `past_journey`: one row per parcel that has no number of its own: its order is its only name, so it
-- goes as a whole (retention/journeys.sql), and comes back as one, should its file be imported again.
CREATE TEMPORARY TABLE past_journey ON COMMIT DROP AS
SELECT shipment.shipment_id
FROM core.shipment
WHERE shipment.tracking_number IS NULL AND shipment.order_id IN (SELECT erased_order.order_id FROM erased_order);
