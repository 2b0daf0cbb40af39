-- What the sums are weighted by, where nothing is yet. Grain: one row at most.
INSERT INTO serving.life_table_state (half_life_days, epoch, built_at)
SELECT
    %(half_life)s,
    (ops.as_of() AT TIME ZONE 'UTC')::date,
    ops.as_of()
ON CONFLICT DO NOTHING
