-- Grain: one row per cell (country, region, or lane), step and day: exits seen, exits expected with its standard error, and how much more than Poisson's a
-- day of it varies. Steps that the shop begins by itself, before any carrier has the parcel, are among them.
SELECT
    cell_day.cell,
    cell_day.country,
    cell_day.region,
    cell_day.origin_country,
    cell_day.destination_country,
    cell_day.step,
    cell_day.day,
    cell_day.observed,
    cell_day.expected,
    cell_day.unsure,
    coalesce(step_noise.extra_variance, %(noise_unknown)s)::double precision AS extra_variance
FROM serving.cell_day(%(since)s) AS cell_day
LEFT JOIN serving.step_noise ON cell_day.step = step_noise.step AND cell_day.cell = step_noise.cell
