-- Writes anew how much more the exits of a day vary than Poisson's, by the method of moments, in days without disruptions.
-- Grain: one row per step and kind of cell.
DELETE FROM serving.step_noise;

INSERT INTO serving.step_noise (step, cell, extra_variance, cell_days)
SELECT
    cell_day.step,
    cell_day.cell,
    greatest(
        sum(power(cell_day.observed - cell_day.expected, 2) - cell_day.expected - power(cell_day.unsure, 2))
        / sum(power(cell_day.expected, 2)),
        0
    ) AS extra_variance,
    count(*) AS cell_days
FROM serving.cell_day(NULL) AS cell_day
WHERE NOT cell_day.is_disturbed AND cell_day.expected > 0.5
GROUP BY cell_day.step, cell_day.cell;
