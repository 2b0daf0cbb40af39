-- Grain: one row, the version that serves, or is refused, as of now. One without curves of lanes serves where single shipments get
-- theirs.
UPDATE serving.delivery_model AS model SET
    status = CASE WHEN usable.is_usable THEN 'serving' ELSE 'refused' END,
    reason = CASE WHEN usable.is_usable THEN model.reason ELSE 'no lane had enough recent orders for a curve of its own' END,
    lanes = %(lanes)s,
    curves = %(curves)s,
    published_at = ops.as_of()
FROM (
    SELECT
        %(curves)s > 0 OR EXISTS (
            SELECT FROM serving.delivery_model_score AS score
            WHERE score.version = %(version)s AND score.informed_serves
        ) AS is_usable
) AS usable
WHERE model.version = %(version)s
