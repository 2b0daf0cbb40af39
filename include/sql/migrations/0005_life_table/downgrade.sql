ALTER TABLE serving.delivery_time DROP COLUMN curve;
