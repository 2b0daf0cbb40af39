DROP VIEW IF EXISTS mart.delivery_model;
DROP TABLE serving.learned_shipment_curve, serving.delivery_model_file, serving.delivery_model_score, serving.delivery_model;
