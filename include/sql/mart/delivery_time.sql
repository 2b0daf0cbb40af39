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
    lane_time.points[1]::numeric AS p05,
    lane_time.points[2]::numeric AS p10,
    lane_time.points[3]::numeric AS p25,
    lane_time.points[4]::numeric AS p50,
    lane_time.points[5]::numeric AS p75,
    lane_time.points[6]::numeric AS p90,
    lane_time.points[7]::numeric AS p95,
    lane_time.p_never_delivered,
    lane_time.basis,
    lane_time.effective_n,
    coalesce(of_lane.coverage, of_level.coverage, of_all.coverage) AS coverage_90d,
    lane_time.refreshed_at,
    lane_time.p_never_delivered_expired_lost
FROM serving.delivery_time AS lane_time
LEFT JOIN serving.promise_coverage AS of_lane
    ON
        'lane ' || lane_time.origin_country || ' → ' || lane_time.destination_country = of_lane.scope
        AND lane_time.measure = of_lane.measure
        AND of_lane.confidence = 0.8
LEFT JOIN serving.promise_coverage AS of_level
    ON
        'level ' || lane_time.level = of_level.scope
        AND lane_time.measure = of_level.measure
        AND of_level.confidence = 0.8
LEFT JOIN serving.promise_coverage AS of_all
    ON of_all.scope = 'all' AND lane_time.measure = of_all.measure AND of_all.confidence = 0.8;
