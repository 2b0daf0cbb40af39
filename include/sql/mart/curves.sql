-- Curves of delivery time: the ages at which they are known, and how they are read.

CREATE OR REPLACE FUNCTION serving.age_bounds(measure text) RETURNS double precision []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
        WHEN measure IN ('order_to_door', 'handover_to_door') THEN ARRAY[
            0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
            30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120,
            130, 140, 150, 160, 170, 180, 190, 200, 220, 240, 260, 280, 300, 320, 340, 360, 380, 400, 450, 500, 550, 600, 650, 700
        ]::double precision []
        ELSE ARRAY[
            0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 20, 22, 24,
            26, 28, 30, 35, 40, 45, 50, 55, 60, 75, 90, 120, 180, 240, 365
        ]::double precision []
    END;
COMMENT ON FUNCTION serving.age_bounds(text) IS
'Days since the clock''s start at which the age bins of a measure end; the first begins at 0.';

CREATE OR REPLACE FUNCTION serving.quantile(curve double precision [], bounds double precision [], probability double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(bounds[bin - 1], 0)
        + (probability - coalesce(curve[bin - 1], 0)) / (curve[bin] - coalesce(curve[bin - 1], 0))
        * (bounds[bin] - coalesce(bounds[bin - 1], 0))
    FROM generate_subscripts(curve, 1) AS bin
    WHERE curve[bin] >= probability AND curve[bin] > coalesce(curve[bin - 1], 0)
    ORDER BY bin
    LIMIT 1
$$;
COMMENT ON FUNCTION serving.quantile(double precision [], double precision [], double precision) IS
'The age in days by which a share (0 to 1) was delivered: linear within the bin in which the curve reaches it.';

-- How much of a curve has been delivered by an age in days: linear within the bin, 1 from the curve's end on.
CREATE OR REPLACE FUNCTION serving.delivered_by(curve double precision [], bounds double precision [], age double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    bin constant integer := width_bucket(age, bounds) + 1; -- the first whose end lies beyond the age
    before constant double precision := coalesce(bounds[bin - 1], 0);
    share constant double precision := coalesce(curve[bin - 1], 0);
BEGIN
    IF age <= 0 THEN
        RETURN 0;
    END IF;
    IF bin > cardinality(curve) THEN
        RETURN 1;
    END IF;
    RETURN share + (curve[bin] - share) * (age - before) / (bounds[bin] - before);
END
$$;
COMMENT ON FUNCTION serving.delivered_by(double precision [], double precision [], double precision) IS
'The share (0 to 1) delivered by an age in days: linear within its bin; the inverse of serving.quantile().';

-- A range told some time ago and read now: its dates are never past. `now` is NULL where nothing was told.
CREATE OR REPLACE FUNCTION serving.date_ahead(
    told_at timestamptz, days_left double precision, now timestamptz, zone text
) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (greatest(told_at + make_interval(secs => days_left * 86400), now) AT TIME ZONE coalesce(zone, 'UTC'))::date;
COMMENT ON FUNCTION serving.date_ahead(timestamptz, double precision, timestamptz, text) IS
'The date so many days after a moment, or today where that is past, in a zone (UTC where it is unknown).';
