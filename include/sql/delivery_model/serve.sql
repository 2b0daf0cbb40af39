-- Grain: one row, the version that serves, or is refused, as of now.
UPDATE serving.delivery_model AS model SET
    status = CASE WHEN %(curves)s > 0 THEN 'serving' ELSE 'refused' END,
    reason = CASE WHEN %(curves)s > 0 THEN model.reason ELSE 'no lane had enough recent orders for a curve of its own' END,
    lanes = %(lanes)s,
    curves = %(curves)s,
    published_at = ops.as_of()
WHERE model.version = %(version)s
