-- Episodes of a region or a lane are part of their country's, where that has one of the same step. Grain: one row per open episode.
UPDATE serving.disruption AS inner_one
SET part_of = outer_one.disruption_id
FROM serving.disruption AS outer_one
WHERE
    inner_one.ended_at IS NULL
    AND outer_one.ended_at IS NULL
    AND inner_one.cell <> 'country'
    AND outer_one.cell = 'country'
    AND inner_one.step = outer_one.step
    AND inner_one.part_of IS DISTINCT FROM outer_one.disruption_id
    AND outer_one.country = CASE
        WHEN inner_one.cell = 'region' THEN inner_one.country
        WHEN inner_one.step LIKE '%at the destination' THEN inner_one.destination_country
        WHEN inner_one.step LIKE '%at the origin' THEN inner_one.origin_country
    END
