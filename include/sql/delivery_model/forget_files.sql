-- Only the last %(kept)s versions that can be used, and the one in use, are kept.
DELETE FROM serving.delivery_model_file
WHERE version NOT IN (
    SELECT model.version
    FROM serving.delivery_model AS model
    WHERE model.status = 'serving'
) AND version NOT IN (
    SELECT model.version
    FROM serving.delivery_model AS model
    WHERE EXISTS (SELECT FROM serving.delivery_model_file AS kept WHERE kept.version = model.version)
    ORDER BY model.recorded_at DESC, model.version DESC
    LIMIT %(kept)s
)
