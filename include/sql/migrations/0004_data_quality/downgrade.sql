-- Back to a quarantine that nothing comes back from.
DROP VIEW IF EXISTS mart.data_quality;
-- views beside staging tables that a cut-off load left read it
DROP TABLE core.country_distance CASCADE;
DROP VIEW IF EXISTS mart.carrier_feed, mart.transit_time_drift, mart.quality_alert;
DROP TABLE quality.alert_notice, quality.alert;
DROP TABLE quality.feed_hour;
DROP INDEX serving.shipment_status_handover;
DROP INDEX ops.run_by_start, ops.run_of_kind;
ALTER TABLE quality.unmapped_code DROP COLUMN noted_at;
DELETE FROM ops.load_part;
ALTER TABLE ops.load_part DROP COLUMN duplicate;
ALTER TABLE ops.run DROP COLUMN error, DROP COLUMN source_counts;
ALTER TABLE quality.reconciliation DROP CONSTRAINT nothing_lost_on_the_way, DROP COLUMN source_count;
DROP FUNCTION IF EXISTS ops.free_quarantined_rows (bigint [], text, text, text);
DROP FUNCTION IF EXISTS ops.quarantined_rows (text, text, text, text);
DROP VIEW IF EXISTS ops.row_in_replay;
DROP TABLE quality.replayed_row;
DROP TABLE quality.quarantine_sighting;
DROP INDEX quality.quarantined_row_dataset_rule_status_idx;
UPDATE quality.quarantined_row SET status = 'replayed' WHERE status = 'superseded';
ALTER TABLE quality.quarantined_row
DROP CONSTRAINT quarantined_row_status_check,
ADD CONSTRAINT quarantined_row_status_check CHECK (status IN ('open', 'replayed', 'dismissed')),
DROP COLUMN dismissed_because,
DROP COLUMN dismissed_at,
DROP COLUMN superseded_by,
DROP COLUMN replayed_at,
DROP COLUMN replay_run_id,
DROP COLUMN replays;
