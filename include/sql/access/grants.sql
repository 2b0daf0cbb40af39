-- Who may do what where no dataset is, said anew by every migrate: the loader reads and writes rows, the reader reads `mart`
-- alone. Who may read or write a dataset of `core` or `mart` is in its contract (plugins/lanecast/contracts/catalogue.py).
REVOKE ALL ON SCHEMA staging, core, quality, mart, serving, ops FROM public;
REVOKE ALL ON ALL TABLES IN SCHEMA quality, serving, ops FROM public, lanecast_reader;

GRANT USAGE ON SCHEMA core, quality, mart, serving, ops TO lanecast_loader;
GRANT USAGE, CREATE ON SCHEMA staging TO lanecast_loader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA quality, serving, ops TO lanecast_loader;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA core, quality, serving, ops TO lanecast_loader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ops TO lanecast_loader;

GRANT USAGE ON SCHEMA mart TO lanecast_reader;
