-- Back to an empty database. The roles stay: other databases of the same server may use them.
DROP SCHEMA serving CASCADE;
DROP SCHEMA mart CASCADE;
DROP SCHEMA quality CASCADE;
DROP SCHEMA core CASCADE;
DROP SCHEMA staging CASCADE;
DROP FUNCTION IF EXISTS ops.ensure_event_partitions (timestamp, timestamp);
DROP FUNCTION IF EXISTS ops.as_of ();
DROP TABLE ops.shipment_change;
DROP TABLE ops.poll_plan;
DROP TABLE ops.poll_request;
DROP TABLE ops.raw_answer;
DROP TABLE ops.load_part;
DROP TABLE ops.run;
DROP TABLE ops.clock;
