-- Grain: one row per lane (origin × destination country), carrier and measure with parcels delivered both recently and before.
--
-- Kolmogorov and Smirnov's test of two samples: the distance is the largest between the two shares delivered by a number of
-- days, and the p-value the chance that parcels of one and the same lane lie that far apart. A lane that has only begun has
-- delivered its fast parcels alone: what was delivered within two median times of its first handover is left out.
CREATE OR REPLACE VIEW mart.transit_time_drift AS
WITH moment AS (
    SELECT
        ops.as_of() AS as_of,
        ops.as_of() - interval '14 days' AS recent_from,
        ops.as_of() - interval '104 days' AS before_from
),

delivered AS (
    SELECT
        status.origin_country,
        status.destination_country,
        status.carrier,
        status.shipped_at,
        status.delivered_at,
        (extract(EPOCH FROM status.delivered_at - status.shipped_at) / 86400)::double precision AS days,
        status.delivered_at > moment.recent_from AS is_recent
    FROM serving.shipment_status AS status
    CROSS JOIN moment
    WHERE
        status.delivered_at > moment.before_from
        AND status.delivered_at <= moment.as_of
        AND status.delivered_at >= status.shipped_at
        AND status.origin_country IS NOT NULL
        AND status.destination_country IS NOT NULL
        AND status.carrier IS NOT NULL
),

lane AS (
    SELECT
        origin_country,
        destination_country,
        carrier,
        min(shipped_at)
        + 2 * percentile_cont(0.5) WITHIN GROUP (ORDER BY days) * interval '1 day' AS settled_at
    FROM delivered
    GROUP BY 1, 2, 3
    -- no lane with fewer has the least numbers below
    HAVING count(*) FILTER (WHERE is_recent) >= 30 AND count(*) FILTER (WHERE NOT is_recent) >= 100
),

sample AS (
    SELECT
        delivered.origin_country,
        delivered.destination_country,
        delivered.carrier,
        delivered.delivered_at,
        delivered.days,
        delivered.is_recent,
        count(*) FILTER (WHERE delivered.is_recent) OVER by_days AS recent_by,
        count(*) FILTER (WHERE NOT delivered.is_recent) OVER by_days AS before_by,
        count(*) FILTER (WHERE delivered.is_recent) OVER of_lane AS n_recent,
        count(*) FILTER (WHERE NOT delivered.is_recent) OVER of_lane AS n_before
    FROM delivered
    INNER JOIN lane
        ON
            delivered.origin_country = lane.origin_country
            AND delivered.destination_country = lane.destination_country
            AND delivered.carrier = lane.carrier
    WHERE delivered.delivered_at >= lane.settled_at
    WINDOW
        of_lane AS (PARTITION BY delivered.origin_country, delivered.destination_country, delivered.carrier),
        by_days AS (
            PARTITION BY delivered.origin_country, delivered.destination_country, delivered.carrier ORDER BY delivered.days
        )
),

compared AS (
    SELECT
        origin_country,
        destination_country,
        carrier,
        max(n_recent) AS n_recent,
        max(n_before) AS n_before,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE is_recent) AS median_recent,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE NOT is_recent) AS median_before,
        max(abs(recent_by::double precision / n_recent - before_by::double precision / n_before)) AS distance
    FROM sample
    WHERE n_recent >= 30 AND n_before >= 100
    GROUP BY 1, 2, 3
    HAVING min(delivered_at) <= (SELECT recent_from FROM moment) - interval '21 days'
),

measured AS (
    SELECT
        compared.*,
        count(*) OVER () AS lanes_compared,
        compared.distance
        * sqrt(compared.n_recent * compared.n_before / (compared.n_recent + compared.n_before)::double precision) AS scaled
    FROM compared
)

SELECT
    measured.origin_country,
    measured.destination_country,
    measured.carrier,
    'handover_to_door' AS measure,
    measured.n_recent,
    measured.n_before,
    round(measured.median_recent::numeric, 2) AS median_recent,
    round(measured.median_before::numeric, 2) AS median_before,
    round((measured.median_recent - measured.median_before)::numeric, 2) AS shift_days,
    round(measured.distance::numeric, 4) AS distance,
    -- Kolmogorov's distribution; below 0.3 its sum converges slowly, and is 1 to four places. exp() refuses to underflow
    CASE WHEN measured.scaled < 0.3 THEN 1 ELSE (
        SELECT 2 * sum((CASE WHEN term % 2 = 1 THEN 1 ELSE -1 END) * exp(greatest(-700, -2 * (term * measured.scaled) ^ 2)))
        FROM generate_series(1, 10) AS term
    ) END AS p_value,
    measured.lanes_compared,
    moment.as_of AS refreshed_at
FROM measured
CROSS JOIN moment;
