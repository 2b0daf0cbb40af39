-- The latest choice, and whether the sums must be made anew: weighted by another half-life, or from an epoch so far away that
-- weights would leave the range of numbers. Grain: one row; NULL what is not there.
WITH latest AS (
    SELECT
        half_life_days,
        kappas,
        mixed
    FROM serving.life_table_choice
    ORDER BY choice_id DESC
    LIMIT 1
)

SELECT
    (SELECT half_life_days FROM latest) AS half_life_days,
    (SELECT kappas FROM latest) AS kappas,
    (SELECT mixed FROM latest) AS mixed,
    (SELECT half_life_days FROM serving.life_table_state) AS built_half_life_days,
    (
        SELECT abs((ops.as_of() AT TIME ZONE 'UTC')::date - epoch) / half_life_days > 250
        FROM serving.life_table_state
    ) AS is_far
