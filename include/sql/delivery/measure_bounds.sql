-- Grain: one row per measure: all its age bounds, how many of them lie within the horizon, and by bin, how much more a parcel
-- counts in it than when its clock began: the moment counts at which it entered the bin. `guess` is the chance of
-- delivery in a bin that no parcel has reached yet, at a steady pace a day.
CREATE TEMP TABLE measure_bounds ON COMMIT DROP AS
SELECT
    measure.measure,
    known.bounds,
    within.last_bin,
    known.bounds[:within.last_bin] AS bounds_within,
    array(
        SELECT power(2, coalesce(known.bounds[bin.bin - 1], 0) / %(half_life)s::double precision)
        FROM generate_series(1, within.last_bin) AS bin (bin)
        ORDER BY bin.bin
    ) AS factors,
    array(
        SELECT 1 - exp(-%(pace)s * (known.bounds[bin.bin] - coalesce(known.bounds[bin.bin - 1], 0)))
        FROM generate_series(1, within.last_bin) AS bin (bin)
        ORDER BY bin.bin
    ) AS guess
FROM unnest(%(measures)s::text []) AS measure (measure)
CROSS JOIN LATERAL (SELECT serving.age_bounds(measure.measure) AS bounds) AS known
CROSS JOIN LATERAL (
    SELECT greatest(width_bucket(%(horizon)s::double precision, known.bounds), 1) AS last_bin
) AS within
