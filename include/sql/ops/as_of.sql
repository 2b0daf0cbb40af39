-- Now, for everything that Lanecast computes: the moment set for this session, else the sandbox world's clock,
-- else the wall clock at the start of the transaction.
CREATE OR REPLACE FUNCTION ops.as_of() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
    SELECT coalesce(
        nullif(current_setting('lanecast.as_of', true), '')::timestamptz,
        (SELECT world_start + (now() - wall_start) * speed FROM ops.clock),
        now()
    )
$$;
COMMENT ON FUNCTION ops.as_of() IS
'Now: the session''s lanecast.as_of, else the sandbox world''s clock, else the wall clock.';
