DROP FUNCTION IF EXISTS mart.recommend(text, text, integer, text);
DROP VIEW IF EXISTS mart.customer_recommendation, mart.product_recommendation, mart.popular_product,
mart.recommendation_evaluation, mart.recommendation_run;
DROP VIEW IF EXISTS serving.buyable_product, serving.bought_product;
DROP FUNCTION IF EXISTS serving.recommendation_reason(text, text, integer, text);
DROP TABLE
serving.popular_list,
serving.product_list,
serving.customer_list,
serving.recommended_product,
serving.recommendation_score,
serving.recommendation_run;
DROP INDEX core.interaction_purchase_news;
CREATE INDEX customer_order_customer_id_idx ON core.customer_order (customer_id);
DROP INDEX core.customer_order_customer_news;
