-- Grain: the versions that change places: this one serves, as of now, the one before it does no longer.
WITH before AS (
    UPDATE serving.delivery_model AS model SET status = 'retired'
    WHERE model.status = 'serving' AND model.version <> %(version)s
)

UPDATE serving.delivery_model AS model SET
    status = %(status)s,
    lanes = %(lanes)s,
    curves = %(curves)s,
    published_at = ops.as_of()
WHERE model.version = %(version)s
