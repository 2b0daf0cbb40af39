-- A parcel keeps its number, lane and times: who sent for it can't be told from these. What else a file told of it goes with the
-- order, for nobody knows what that says, and so do the carrier's words, which may name who signed. Grain of the result: one row,
-- with how many parcels lost their order, and how many events their words.
WITH cut_off AS (
    UPDATE core.shipment
    SET order_id = NULL, attributes = NULL
    WHERE shipment.order_id IN (SELECT erased_order.order_id FROM erased_order)
    RETURNING shipment.shipment_id
),

unworded AS (
    UPDATE core.tracking_event AS event
    SET description = NULL
    FROM cut_off
    WHERE event.shipment_id = cut_off.shipment_id AND event.description IS NOT NULL
    RETURNING 1
)

SELECT
    (SELECT count(*) FROM cut_off) AS shipments,
    (SELECT count(*) FROM unworded) AS events
