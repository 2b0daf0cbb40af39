-- Where customers and orders may be named: every column of a table of Lanecast's that is called so, whoever made the table.
-- Grain: one row per table, with which of the two columns it has.
SELECT
    space.nspname AS schema,
    class.relname AS name,
    bool_or(attribute.attname = 'customer_id') AS has_customer,
    bool_or(attribute.attname = 'order_id') AS has_order
FROM pg_class AS class
INNER JOIN pg_namespace AS space ON class.relnamespace = space.oid
INNER JOIN pg_attribute AS attribute ON class.oid = attribute.attrelid
WHERE
    space.nspname IN ('core', 'ops', 'quality', 'serving', 'staging')
    AND class.relkind IN ('r', 'p')
    AND NOT class.relispartition
    AND attribute.attname IN ('customer_id', 'order_id')
    AND NOT attribute.attisdropped
GROUP BY space.nspname, class.relname
ORDER BY space.nspname, class.relname
