-- The three roles, made where they are missing, and the schema that holds the migrations' ledger.
-- Runs before the migrations, as the connection's own user: it needs CREATEROLE once, and CREATE on the database.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['lanecast_owner', 'lanecast_loader', 'lanecast_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of the same server made it in this moment
            END;
        END IF;
    END LOOP;
    FOREACH wanted IN ARRAY ARRAY['lanecast_owner', 'lanecast_loader'] LOOP
        IF NOT pg_has_role(current_user, wanted, 'SET') THEN
            EXECUTE format('GRANT %I TO %I WITH SET TRUE, INHERIT TRUE', wanted, current_user);
        END IF;
    END LOOP;
    EXECUTE format('GRANT CREATE, CONNECT, TEMPORARY ON DATABASE %I TO lanecast_owner', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO lanecast_loader', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO lanecast_reader', current_database());
END
$$;

CREATE SCHEMA IF NOT EXISTS ops AUTHORIZATION lanecast_owner;
