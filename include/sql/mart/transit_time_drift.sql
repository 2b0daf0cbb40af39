-- Grain: one row per lane (origin × destination country), carrier and measure with parcels handed over both recently and before.
--
-- Parcels are compared by when they were handed over, and only once they have had the lane's horizon to arrive: the time by
-- which four in five of its parcels were delivered; where all take about as long, a fifth more than the median, or a day.
-- What has not arrived by then counts as later. So every parcel compared has
-- been watched for equally long, and neither a pause in shipping nor growth can look like another transit time.
--
-- Kolmogorov and Smirnov's test of two samples: the distance is the largest between the two shares delivered by a number of
-- days, and the p-value the chance that parcels of one and the same lane lie that far apart.
CREATE OR REPLACE VIEW mart.transit_time_drift AS
WITH moment AS (
    SELECT ops.as_of() AS as_of
),

-- Parcels that nobody has told anything of yet are not known to be late.
handed_over AS (
    SELECT
        status.origin_country,
        status.destination_country,
        status.carrier,
        status.shipped_at,
        (
            extract(EPOCH FROM CASE WHEN status.delivered_at <= moment.as_of THEN status.delivered_at END - status.shipped_at)
            / 86400
        )::double precision AS days
    FROM serving.shipment_status AS status
    CROSS JOIN moment
    WHERE
        status.shipped_at > moment.as_of - interval '164 days'
        AND status.shipped_at <= moment.as_of
        AND (status.delivered_at IS NULL OR status.delivered_at >= status.shipped_at)
        AND (status.delivered_at IS NOT NULL OR status.milestone <> ALL(ARRAY['registered', 'info_received']))
        AND status.origin_country IS NOT NULL
        AND status.destination_country IS NOT NULL
        AND status.carrier IS NOT NULL
),

lane AS (
    SELECT
        origin_country,
        destination_country,
        carrier,
        least(
            greatest(
                percentile_cont(0.8) WITHIN GROUP (ORDER BY days),
                1.2 * percentile_cont(0.5) WITHIN GROUP (ORDER BY days),
                1 + percentile_cont(0.5) WITHIN GROUP (ORDER BY days)
            ),
            60
        ) AS horizon_days
    FROM handed_over
    GROUP BY 1, 2, 3
    -- no lane with fewer has the least numbers below
    HAVING count(days) >= 130
),

watched AS (
    SELECT
        handed_over.origin_country,
        handed_over.destination_country,
        handed_over.carrier,
        handed_over.shipped_at,
        lane.horizon_days,
        least(coalesce(handed_over.days, lane.horizon_days), lane.horizon_days) AS days,
        handed_over.shipped_at
        > moment.as_of - lane.horizon_days * interval '1 day' - interval '14 days' AS is_recent
    FROM handed_over
    CROSS JOIN moment
    INNER JOIN lane
        ON
            handed_over.origin_country = lane.origin_country
            AND handed_over.destination_country = lane.destination_country
            AND handed_over.carrier = lane.carrier
    WHERE
        handed_over.shipped_at <= moment.as_of - lane.horizon_days * interval '1 day'
        AND handed_over.shipped_at > moment.as_of - lane.horizon_days * interval '1 day' - interval '104 days'
),

sample AS (
    SELECT
        watched.*,
        count(*) FILTER (WHERE watched.is_recent) OVER by_days AS recent_by,
        count(*) FILTER (WHERE NOT watched.is_recent) OVER by_days AS before_by,
        count(*) FILTER (WHERE watched.is_recent) OVER of_lane AS n_recent,
        count(*) FILTER (WHERE NOT watched.is_recent) OVER of_lane AS n_before
    FROM watched
    WINDOW
        of_lane AS (PARTITION BY watched.origin_country, watched.destination_country, watched.carrier),
        by_days AS (PARTITION BY watched.origin_country, watched.destination_country, watched.carrier ORDER BY watched.days)
),

compared AS (
    SELECT
        origin_country,
        destination_country,
        carrier,
        max(horizon_days) AS horizon_days,
        max(n_recent) AS n_recent,
        max(n_before) AS n_before,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE is_recent) AS median_recent,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE NOT is_recent) AS median_before,
        max(abs(recent_by::double precision / n_recent - before_by::double precision / n_before)) AS distance
    FROM sample
    WHERE n_recent >= 30 AND n_before >= 100
    GROUP BY 1, 2, 3
    HAVING
        min(shipped_at)
        <= (SELECT as_of FROM moment) - max(horizon_days) * interval '1 day' - interval '35 days'
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
    moment.as_of AS refreshed_at,
    round(measured.horizon_days::numeric, 2) AS horizon_days
FROM measured
CROSS JOIN moment;
