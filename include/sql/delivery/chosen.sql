-- The latest choice, and whether the sums must be made anew: weighted by another half-life, or from an epoch so far away that
-- weights would leave the range of numbers. Grain: one row; NULL what is not there.
SELECT
    choice.half_life_days,
    choice.kappas,
    state.half_life_days AS built_half_life_days,
    abs((ops.as_of() AT TIME ZONE 'UTC')::date - state.epoch) / state.half_life_days > 250 AS is_far
FROM (SELECT) AS one
LEFT JOIN LATERAL (
    SELECT * FROM serving.life_table_choice ORDER BY life_table_choice.choice_id DESC LIMIT 1
) AS choice ON true
LEFT JOIN serving.life_table_state AS state ON true
