-- Whether anything became known since the last training. Grain: one row; true where there was none.
SELECT
    coalesce(
        (SELECT max(status.refreshed_at) FROM serving.shipment_status AS status)
        > (SELECT max(model.trained_at) FROM serving.delivery_model AS model),
        true
    ) AS anything_new
