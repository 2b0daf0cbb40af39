-- Who may do what on Lanecast's own tables, views and functions of `core` and `mart`, besides their owner. Grain: one row per
-- relation or function, role and right. A partition has its table's name; a right on a column counts as one on its table.
SELECT DISTINCT
    held.kind,
    held.identity,
    held.name,
    CASE WHEN told.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(told.grantee)::text END AS role,
    told.privilege_type AS access,
    held.by_default
FROM (
    SELECT
        'TABLE' AS kind,
        relation.oid::regclass::text AS identity,
        schema.nspname || '.' || coalesce(root.relname, relation.relname) AS name,
        relation.relowner AS owner,
        granted.rights,
        false AS by_default
    FROM pg_class AS relation
    INNER JOIN pg_namespace AS schema ON relation.relnamespace = schema.oid
    LEFT JOIN pg_class AS root ON root.oid = pg_partition_root(relation.oid)
    CROSS JOIN LATERAL (
        SELECT relation.relacl AS rights
        UNION ALL
        SELECT attribute.attacl FROM pg_attribute AS attribute WHERE attribute.attrelid = relation.oid
    ) AS granted
    WHERE schema.nspname IN ('core', 'mart') AND relation.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL
    SELECT
        'ROUTINE' AS kind,
        routine.oid::regprocedure::text AS identity,
        schema.nspname || '.' || routine.proname AS name,
        routine.proowner AS owner,
        coalesce(routine.proacl, acldefault('f', routine.proowner)) AS rights,
        routine.proacl IS NULL AS by_default
    FROM pg_proc AS routine
    INNER JOIN pg_namespace AS schema ON routine.pronamespace = schema.oid
    WHERE schema.nspname IN ('core', 'mart')
) AS held
CROSS JOIN LATERAL aclexplode(held.rights) AS told
WHERE held.owner = 'lanecast_owner'::regrole AND told.grantee <> held.owner
ORDER BY 1, 2, 4, 5
