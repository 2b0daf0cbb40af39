-- Notes that the tables were made anew, and what was taken for it. Grain: one row.
INSERT INTO serving.under_way_learned (learned_at, shipments, one_in)
SELECT
    %(as_of)s,
    count(*),
    coalesce(max(one_in), 1)
FROM chosen
ON CONFLICT (only_row) DO UPDATE SET
learned_at = excluded.learned_at, shipments = excluded.shipments, one_in = excluded.one_in
