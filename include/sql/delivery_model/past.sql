-- Trainings that are past their time go, with their scores and models; the one in use stays. Grain: one row per training.
DELETE FROM serving.delivery_model AS model
WHERE model.status <> 'serving' AND model.trained_at < (SELECT ops.as_of()) - make_interval(days => %(days)s)
