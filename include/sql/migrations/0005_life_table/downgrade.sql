-- Back to quantiles of delivered parcels; the next refresh computes them from nothing.
DROP VIEW IF EXISTS mart.delivery_time, mart.shipment_status;
DROP TABLE
serving.life_table, serving.journey_span, serving.leaf_lane, serving.measured_lane, serving.life_table_choice,
serving.life_table_state, serving.span_day;
DELETE FROM serving.delivery_time;
ALTER TABLE serving.delivery_time RESET (fillfactor);
ALTER TABLE serving.delivery_time
DROP COLUMN curve,
DROP COLUMN points,
DROP COLUMN p_never_delivered_expired_lost,
ADD COLUMN quantiles double precision [] CHECK (cardinality(quantiles) = 199);
INSERT INTO ops.shipment_change (shipment_id, run_id)
SELECT
    status.shipment_id,
    'migration 0005_life_table'
FROM serving.shipment_status AS status;
