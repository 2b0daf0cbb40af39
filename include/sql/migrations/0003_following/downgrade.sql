-- Back to parcels that are asked of their own carriers alone, on a plain schedule.
DROP VIEW IF EXISTS mart.unmapped_code;
DROP VIEW IF EXISTS mart.carrier_polling;
DROP TABLE ops.news_curve_state;
DROP TABLE ops.news_clock;
DROP TABLE ops.news_curve;
ALTER TABLE quality.unmapped_code DROP COLUMN mapped_at;
DROP VIEW IF EXISTS mart.shipment_event;
ALTER TABLE core.tracking_event DROP COLUMN clock_disagrees;
DELETE FROM ops.poll_request WHERE outcome = 'not_asked' OR source <> carrier;
ALTER TABLE ops.poll_request
DROP CONSTRAINT poll_request_outcome_check,
ADD CONSTRAINT poll_request_outcome_check CHECK (outcome IN ('answered', 'not_found', 'failed')),
DROP CONSTRAINT poll_request_pkey,
ADD PRIMARY KEY (run_id, carrier, shard, shipment_id),
DROP COLUMN source;
ALTER TABLE ops.poll_plan
DROP COLUMN patience,
DROP COLUMN basis,
DROP COLUMN news_per_hour,
DROP COLUMN state_since,
DROP COLUMN state,
DROP COLUMN answered_at,
DROP COLUMN source;
