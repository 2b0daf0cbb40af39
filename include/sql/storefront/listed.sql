-- Grain of the temporary table `listed`: one row per product that the source says that it has.
CREATE TEMPORARY TABLE listed (product_id text) ON COMMIT DROP;
