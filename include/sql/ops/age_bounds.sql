-- Hours since a state of a journey began at which the spans of ops.news_curve end; the last span has no end.
CREATE OR REPLACE FUNCTION ops.age_bounds() RETURNS double precision []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ARRAY[
        1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 30, 36, 42, 48, 60, 72, 84, 96, 120, 144, 168, 216, 264, 312, 360, 480, 720, 1080
    ]::double precision []
$$;
COMMENT ON FUNCTION ops.age_bounds() IS
'Hours since a state of a journey began at which the spans of ops.news_curve end.';
