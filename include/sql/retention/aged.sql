-- Deletes the next rows that are past their time, and that nothing refers to any more. Grain: one row per row deleted.
DELETE FROM {table}
WHERE ctid = ANY(ARRAY(
    SELECT aged.ctid FROM {table} AS aged
    WHERE aged.{element} < %(before)s AND {unreferred}
    ORDER BY aged.{element}
    LIMIT %(most)s
))
