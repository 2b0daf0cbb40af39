-- Grain: one row per lane and measure.
CREATE OR REPLACE VIEW mart.delivery_time AS
SELECT
    lane_time.origin_country,
    lane_time.origin_region,
    lane_time.destination_country,
    lane_time.destination_region,
    lane_time.carrier,
    lane_time.service,
    lane_time.measure,
    lane_time.level,
    lane_time.n,
    lane_time.n_delivered,
    lane_time.n_in_transit,
    lane_time.n_lost_or_returned,
    lane_time.mean_days,
    lane_time.sd_days,
    lane_time.quantiles[10]::numeric AS p05,
    lane_time.quantiles[20]::numeric AS p10,
    lane_time.quantiles[50]::numeric AS p25,
    lane_time.quantiles[100]::numeric AS p50,
    lane_time.quantiles[150]::numeric AS p75,
    lane_time.quantiles[180]::numeric AS p90,
    lane_time.quantiles[190]::numeric AS p95,
    lane_time.p_never_delivered,
    lane_time.basis,
    lane_time.effective_n,
    lane_time.coverage_90d,
    lane_time.refreshed_at
FROM serving.delivery_time AS lane_time;

COMMENT ON VIEW mart.delivery_time IS
'How long delivery takes. Grain: one row per lane and measure, at every lane level. Mean, sd and percentiles are of '
'delivered parcels only, in days: the slow ones still travelling are missing, so they come out too short where '
'n_in_transit is large beside n_delivered. Cancelled shipments, and those whose clock has no start or runs backwards, '
'count nowhere.';
COMMENT ON COLUMN mart.delivery_time.origin_country IS 'Country sent from, ISO 3166-1 alpha-2; NULL = all.';
COMMENT ON COLUMN mart.delivery_time.origin_region IS 'Region sent from, ISO 3166-2; NULL = all.';
COMMENT ON COLUMN mart.delivery_time.destination_country IS 'Country sent to, ISO 3166-1 alpha-2; NULL = all.';
COMMENT ON COLUMN mart.delivery_time.destination_region IS 'Region sent to, ISO 3166-2; NULL = all.';
COMMENT ON COLUMN mart.delivery_time.carrier IS 'Carrier, as a slug; NULL = all, those without a named carrier too.';
COMMENT ON COLUMN mart.delivery_time.service IS 'The carrier''s service; NULL = all.';
COMMENT ON COLUMN mart.delivery_time.measure IS
'Which time: order_to_door (from the order) or handover_to_door (from the handover to the carrier), to the delivery.';
COMMENT ON COLUMN mart.delivery_time.level IS
'Lane level: world, destination_country, lane_country (origin x destination country), destination_region, lane_region '
'(origin x destination region), carrier (a lane''s carrier), service (a lane''s carrier and service). Carrier and '
'service rows lie on country lanes (regions NULL) and on region lanes.';
COMMENT ON COLUMN mart.delivery_time.n IS
'Shipments that count: n_delivered + n_in_transit + n_lost_or_returned.';
COMMENT ON COLUMN mart.delivery_time.n_delivered IS 'Shipments delivered.';
COMMENT ON COLUMN mart.delivery_time.n_in_transit IS
'Shipments neither delivered, lost nor returned, not yet handed over and out of sight (tracking_expired) ones included.';
COMMENT ON COLUMN mart.delivery_time.n_lost_or_returned IS
'Shipments lost, destroyed, returned, or on their way back.';
COMMENT ON COLUMN mart.delivery_time.mean_days IS 'Mean of the delivered parcels'' times, in days.';
COMMENT ON COLUMN mart.delivery_time.sd_days IS
'Standard deviation (of the sample, n - 1) of the delivered parcels'' times, in days; NULL for fewer than two.';
COMMENT ON COLUMN mart.delivery_time.p05 IS '5th percentile of delivered parcels, linear interpolation, in days.';
COMMENT ON COLUMN mart.delivery_time.p10 IS '10th percentile of delivered parcels, linear interpolation, in days.';
COMMENT ON COLUMN mart.delivery_time.p25 IS '25th percentile of delivered parcels, linear interpolation, in days.';
COMMENT ON COLUMN mart.delivery_time.p50 IS 'Median of delivered parcels, in days.';
COMMENT ON COLUMN mart.delivery_time.p75 IS '75th percentile of delivered parcels, linear interpolation, in days.';
COMMENT ON COLUMN mart.delivery_time.p90 IS '90th percentile of delivered parcels, linear interpolation, in days.';
COMMENT ON COLUMN mart.delivery_time.p95 IS '95th percentile of delivered parcels, linear interpolation, in days.';
COMMENT ON COLUMN mart.delivery_time.p_never_delivered IS
'Share, 0 to 1, of ended journeys that did not reach the door: n_lost_or_returned / (n_delivered + n_lost_or_returned). '
'Parcels under way are in neither.';
COMMENT ON COLUMN mart.delivery_time.basis IS 'What the figures rest on, and the method.';
COMMENT ON COLUMN mart.delivery_time.effective_n IS
'Parcels'' worth of evidence behind the percentiles; by the plain method n_delivered.';
COMMENT ON COLUMN mart.delivery_time.coverage_90d IS
'Share, 0 to 1, of the last 90 days'' promises that the parcels kept. NULL: not measured, for promises are not kept yet.';
COMMENT ON COLUMN mart.delivery_time.refreshed_at IS 'When the row was last computed; untouched lanes keep theirs.';
