DROP VIEW IF EXISTS mart.delivery_experience;
DROP FUNCTION IF EXISTS serving.wilson_bound;
DROP TABLE serving.delivery_experience, serving.delivery_experience_state;
