-- Back to a quarantine that nothing comes back from.
DROP VIEW IF EXISTS mart.data_quality;
DROP TABLE quality.alert;
DROP TABLE quality.feed_hour;
ALTER TABLE quality.reconciliation DROP CONSTRAINT nothing_lost_on_the_way, DROP COLUMN source_count;
DROP INDEX quality.quarantined_row_last_run_id_idx;
DROP INDEX quality.quarantined_row_dataset_rule_status_idx;
UPDATE quality.quarantined_row SET status = 'replayed' WHERE status = 'superseded';
ALTER TABLE quality.quarantined_row
DROP CONSTRAINT quarantined_row_status_check,
ADD CONSTRAINT quarantined_row_status_check CHECK (status IN ('open', 'replayed', 'dismissed')),
DROP COLUMN superseded_by,
DROP COLUMN replayed_at,
DROP COLUMN replay_run_id,
DROP COLUMN replays;
