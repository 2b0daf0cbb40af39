-- Deletes the rows of a range of pages that are past their time, and that nothing refers to any more. Grain: one row per row
-- deleted.
DELETE FROM {table} AS aged
WHERE aged.ctid >= %(first)s::tid AND aged.ctid < %(next)s::tid AND {past}
