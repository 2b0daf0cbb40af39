-- The version in use is too old to be trusted, %(days)s days: its curves go, the life table serves alone. Grain of what is deleted:
-- one row per lane, measure and weekday.
WITH stale AS (
    UPDATE serving.delivery_model AS model SET
        status = 'retired',
        lanes = 0,
        curves = 0
    WHERE model.status = 'serving' AND model.trained_at < (SELECT ops.as_of()) - make_interval(days => %(days)s)
    RETURNING model.version
),

of_shipments AS (
    DELETE FROM serving.learned_shipment_curve AS own
    USING stale
    WHERE own.model_version = stale.version
)

DELETE FROM serving.learned_curve AS learned
USING stale
WHERE learned.model_version = stale.version
