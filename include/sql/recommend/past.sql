-- Runs that are past their time go, with their scores; those whose lists are kept stay. Grain: one row per run.
DELETE FROM serving.recommendation_run AS run
WHERE run.status = 'replaced' AND run.trained_at < (SELECT ops.as_of()) - make_interval(days => %(days)s)
