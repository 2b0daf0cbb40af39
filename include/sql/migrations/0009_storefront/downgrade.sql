DROP INDEX core.interaction_customer_id_idx;
ALTER TABLE core.interaction DROP COLUMN country;
DROP INDEX core.order_line_product_id_idx;
ALTER TABLE core.order_line DROP COLUMN occurred_at, DROP COLUMN withdrawn_at;
DROP INDEX core.customer_order_ordered_at_idx;
-- views beside staging tables that a cut-off load left read it
ALTER TABLE core.customer_order
DROP COLUMN source CASCADE,
DROP COLUMN country,
DROP COLUMN region,
DROP COLUMN cancelled_at,
DROP COLUMN changed_in_shop_at;
ALTER TABLE core.product
DROP COLUMN title,
DROP COLUMN category,
DROP COLUMN unit_price,
DROP COLUMN currency,
DROP COLUMN is_available,
DROP COLUMN stock_quantity,
DROP COLUMN published_at,
DROP COLUMN changed_in_shop_at,
DROP COLUMN withdrawn_at;
ALTER TABLE core.customer DROP COLUMN country;
DROP TABLE ops.erased_customer, ops.customer_secret;
