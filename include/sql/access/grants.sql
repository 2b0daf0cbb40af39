-- Who may do what where no dataset is, said anew by every migrate: the loader reads and writes rows, the reader reads `mart`
-- alone. Who may read or write a dataset of `core` or `mart` is in its contract (plugins/lanecast/contracts/catalogue.py).
REVOKE ALL ON SCHEMA staging, core, quality, mart, serving, ops FROM public;

GRANT USAGE ON SCHEMA core, quality, mart, serving, ops TO lanecast_loader;
GRANT USAGE, CREATE ON SCHEMA staging TO lanecast_loader;

GRANT USAGE ON SCHEMA mart TO lanecast_reader;

-- One by one: what others have made in these schemas is theirs to grant.
DO $$
DECLARE
    ours text;
BEGIN
    FOR ours IN
        SELECT oid::regclass FROM pg_class
        WHERE
            relowner = current_user::regrole
            AND relnamespace::regnamespace::text IN ('quality', 'serving', 'ops')
            AND relkind IN ('r', 'p', 'v', 'm')
    LOOP
        EXECUTE 'REVOKE ALL ON TABLE ' || ours || ' FROM public, lanecast_reader';
        EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE ' || ours || ' TO lanecast_loader';
    END LOOP;
    -- What was promised is written by mart.issue_promises() alone.
    REVOKE INSERT, UPDATE, DELETE ON serving.promise_log FROM lanecast_loader;
    FOR ours IN
        SELECT oid::regclass FROM pg_class
        WHERE
            relowner = current_user::regrole
            AND relnamespace::regnamespace::text IN ('core', 'quality', 'serving', 'ops')
            AND relkind = 'S'
    LOOP
        EXECUTE 'GRANT USAGE ON SEQUENCE ' || ours || ' TO lanecast_loader';
    END LOOP;
    FOR ours IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE proowner = current_user::regrole AND pronamespace = 'ops'::regnamespace
    LOOP
        EXECUTE 'GRANT EXECUTE ON ROUTINE ' || ours || ' TO lanecast_loader';
    END LOOP;
END
$$;
