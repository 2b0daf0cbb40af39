-- Customers who were erased while lists were made or put in use have none. Grain: one row per list.
DELETE FROM serving.customer_list AS list
USING ops.erased_customer AS erased
WHERE list.customer_id = erased.customer_id
