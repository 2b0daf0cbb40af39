-- Makes the monthly partitions of core.tracking_event that hold the months from `earliest` to `latest`.
-- SECURITY DEFINER, for the loader may not create tables in `core`. Attached rather than created in place: attaching
-- locks out neither readers nor writers of the other months.
CREATE OR REPLACE FUNCTION ops.ensure_event_partitions(earliest timestamp, latest timestamp) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    month timestamp;
    made integer := 0;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('lanecast partitions'));
    FOR month IN
        SELECT generate_series(date_trunc('month', earliest), date_trunc('month', latest), interval '1 month')
    LOOP
        name := 'tracking_event_' || to_char(month, 'YYYYMM');
        IF to_regclass('core.' || quote_ident(name)) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE core.%I (LIKE core.tracking_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name
            );
            EXECUTE format(
                'ALTER TABLE core.tracking_event ATTACH PARTITION core.%I FOR VALUES FROM (%L) TO (%L)',
                name, month, month + interval '1 month'
            );
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION ops.ensure_event_partitions(timestamp, timestamp) IS
'Makes the missing monthly partitions of core.tracking_event between two moments; returns how many.';
