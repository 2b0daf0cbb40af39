-- Takes their references off promises whose parcel or order is not kept any more. The promise itself, a range on a lane, stays.
-- One that names only an order or a number which nothing knows loses it when it can't be judged any more, 56 days after it
-- matured: until then its parcel may still be told of. Grain: one row per promise that forgets.
UPDATE serving.promise_log AS promise
SET promise_hash = NULL, order_id = NULL, tracking_number = NULL, shipment_id = NULL
WHERE
    num_nonnulls(promise.order_id, promise.tracking_number, promise.shipment_id) > 0
    AND CASE
        WHEN promise.shipment_id IS NOT NULL
            THEN NOT EXISTS (SELECT FROM core.shipment WHERE shipment.shipment_id = promise.shipment_id)
        ELSE
            promise.matures_at < %(now)s - interval '56 days'
            AND NOT EXISTS (SELECT FROM core.shipment WHERE shipment.order_id = promise.order_id)
            AND NOT EXISTS (SELECT FROM core.customer_order AS kept WHERE kept.order_id = promise.order_id)
            AND NOT EXISTS (SELECT FROM core.shipment WHERE shipment.tracking_number = promise.tracking_number)
    END
