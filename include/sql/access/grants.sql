-- Who may do what, said anew by every migrate: the loader reads and writes rows, the reader reads `mart` alone.
REVOKE ALL ON SCHEMA staging, core, quality, mart, serving, ops FROM public;
REVOKE ALL ON ALL TABLES IN SCHEMA core, quality, mart, serving, ops FROM public, lanecast_reader;

GRANT USAGE ON SCHEMA core, quality, mart, serving, ops TO lanecast_loader;
GRANT USAGE, CREATE ON SCHEMA staging TO lanecast_loader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA core, quality, serving, ops TO lanecast_loader;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA core, quality, serving, ops TO lanecast_loader;
GRANT SELECT ON ALL TABLES IN SCHEMA mart TO lanecast_loader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ops, mart TO lanecast_loader;

GRANT USAGE ON SCHEMA mart TO lanecast_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA mart TO lanecast_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mart TO lanecast_reader;
