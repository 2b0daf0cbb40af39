-- Grain: one row per column of a relation of `core` or `mart`, one per argument (in) and returned column (out) of a function of
-- `mart`, in their order. Partitions are their table. A relation or function without any has one row, without a name.
SELECT
    schema.nspname || '.' || relation.relname AS relation,
    CASE WHEN relation.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind,
    relation.oid::regclass::text AS identity,
    pg_get_userbyid(relation.relowner)::text AS owner,
    'out' AS direction,
    attribute.attnum::integer AS place,
    attribute.attname::text AS name,
    format_type(attribute.atttypid, attribute.atttypmod) AS type,
    attribute.attnotnull AS is_required,
    coalesce(array_position(own_key.conkey, attribute.attnum), 0) AS key_position,
    NULL AS default_value
FROM pg_class AS relation
INNER JOIN pg_namespace AS schema ON relation.relnamespace = schema.oid
LEFT JOIN pg_attribute AS attribute
    ON relation.oid = attribute.attrelid AND attribute.attnum > 0 AND NOT attribute.attisdropped
LEFT JOIN pg_constraint AS own_key ON relation.oid = own_key.conrelid AND own_key.contype = 'p'
WHERE schema.nspname IN ('core', 'mart') AND relation.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relation.relispartition
UNION ALL
SELECT
    schema.nspname || '.' || routine.proname AS relation,
    'function' AS kind,
    routine.oid::regprocedure::text AS identity,
    pg_get_userbyid(routine.proowner)::text AS owner,
    CASE WHEN told.mode IN ('o', 't') THEN 'out' ELSE 'in' END AS direction,
    told.place::integer AS place,
    told.name,
    format_type(told.type, NULL) AS type,
    NULL AS is_required,
    0 AS key_position,
    pg_get_function_arg_default(routine.oid, told.place::integer) AS default_value
FROM pg_proc AS routine
INNER JOIN pg_namespace AS schema ON routine.pronamespace = schema.oid
LEFT JOIN LATERAL unnest(
    coalesce(routine.proallargtypes, routine.proargtypes::oid []), routine.proargnames, routine.proargmodes::text []
) WITH ORDINALITY AS told (type, name, mode, place) ON true
WHERE schema.nspname IN ('core', 'mart')
ORDER BY relation, identity, direction, place
