-- Curves of single shipments, as they were copied into own_curve: kept where the version is still in use, and the shipment is still
-- there and its clock has not been moved meanwhile. Grain: one row per shipment and clock.
INSERT INTO serving.learned_shipment_curve (shipment_id, measure, starts_at, curve, model_version)
SELECT
    status.shipment_id,
    own_curve.measure,
    clock.starts_at,
    own_curve.curve,
    model.version
FROM own_curve
INNER JOIN serving.delivery_model AS model ON model.version = %(version)s AND model.status = 'serving'
INNER JOIN serving.shipment_status AS status ON own_curve.shipment_id = status.shipment_id
CROSS JOIN LATERAL (
    SELECT CASE own_curve.measure WHEN 'order_to_door' THEN status.ordered_at ELSE status.shipped_at END AS starts_at
) AS clock
WHERE abs(extract(EPOCH FROM clock.starts_at)::double precision / 86400 - own_curve.started) < 1e-6
FOR KEY SHARE OF status
ON CONFLICT (shipment_id, measure) DO UPDATE SET
starts_at = excluded.starts_at,
curve = excluded.curve,
model_version = excluded.model_version
