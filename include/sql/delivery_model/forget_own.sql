-- Curves of single shipments go where another version is in use, or none, and where the shipment has ended, is on its way back
-- or out of sight. Those of shipments that are no more went with their status. Grain of what is deleted: one row per shipment and
-- clock.
DELETE FROM serving.learned_shipment_curve AS own
WHERE
    NOT EXISTS (
        SELECT FROM serving.delivery_model AS model
        WHERE model.version = own.model_version AND model.status = 'serving'
    )
    OR EXISTS (
        SELECT FROM serving.shipment_status AS status
        WHERE
            status.shipment_id = own.shipment_id
            AND status.milestone IN (
                'delivered', 'lost', 'returned', 'cancelled', 'destroyed', 'returning', 'tracking_expired'
            )
    )
