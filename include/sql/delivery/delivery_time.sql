-- Writes the touched lanes of one level anew, from all their shipments. Grain: one row per lane and measure.
--
-- The plain method: mean, sd and percentiles are those of delivered parcels alone. A parcel that ended lost, destroyed,
-- returned or on its way back counts as never delivered; all other open ones, tracking_expired too, as in transit;
-- cancelled ones, and those whose clock runs backwards or has no start, count nowhere.
WITH timed AS (
    SELECT
        {keys}
        clock.measure,
        status.milestone = 'delivered' AS is_delivered,
        status.milestone IN ('lost', 'destroyed', 'returning', 'returned') AS is_lost_or_returned,
        CASE
            WHEN status.milestone = 'delivered'
                THEN (extract(EPOCH FROM status.delivered_at - clock.starts_at) / 86400)::double precision
        END AS days
    FROM serving.shipment_status AS status
    CROSS JOIN LATERAL (
        VALUES ('order_to_door', status.ordered_at), ('handover_to_door', status.shipped_at)
    ) AS clock (measure, starts_at)
    WHERE
        {touched}
        AND status.milestone <> 'cancelled'
        AND clock.starts_at IS NOT NULL
        AND (status.milestone <> 'delivered' OR status.delivered_at >= clock.starts_at)
),

-- Grain: one row per lane and measure.
counted AS (
    SELECT
        {keys}
        timed.measure,
        count(*) AS n,
        count(*) FILTER (WHERE timed.is_delivered) AS n_delivered,
        count(*) FILTER (WHERE timed.is_lost_or_returned) AS n_lost_or_returned,
        avg(timed.days) AS mean_days,
        stddev_samp(timed.days) AS sd_days,
        percentile_cont(%(points)s::double precision []) WITHIN GROUP (ORDER BY timed.days) AS quantiles
    FROM timed
    GROUP BY {keys} timed.measure
),

-- Grain: one row per lane and measure, with the columns that this level does not tell apart left empty.
laned AS (
    SELECT
        {lane}
        counted.measure,
        counted.n,
        counted.n_delivered,
        counted.n_lost_or_returned,
        counted.mean_days,
        counted.sd_days,
        CASE WHEN counted.n_delivered > 0 THEN counted.quantiles END AS quantiles
    FROM counted
)

INSERT INTO serving.delivery_time (
    lane,
    level,
    specificity,
    origin_country,
    origin_region,
    destination_country,
    destination_region,
    carrier,
    service,
    measure,
    n,
    n_delivered,
    n_in_transit,
    n_lost_or_returned,
    mean_days,
    sd_days,
    quantiles,
    p_never_delivered,
    basis,
    effective_n,
    coverage_90d,
    refreshed_at
)
SELECT
    serving.lane(
        laned.origin_country,
        laned.origin_region,
        laned.destination_country,
        laned.destination_region,
        laned.carrier,
        laned.service
    ) AS lane,
    %(level)s AS level,
    %(specificity)s AS specificity,
    laned.origin_country,
    laned.origin_region,
    laned.destination_country,
    laned.destination_region,
    laned.carrier,
    laned.service,
    laned.measure,
    laned.n,
    laned.n_delivered,
    laned.n - laned.n_delivered - laned.n_lost_or_returned AS n_in_transit,
    laned.n_lost_or_returned,
    laned.mean_days::numeric,
    laned.sd_days::numeric,
    laned.quantiles,
    laned.n_lost_or_returned::numeric / nullif(laned.n_delivered + laned.n_lost_or_returned, 0) AS p_never_delivered,
    'plain: delivered parcels of this lane alone' AS basis,
    laned.n_delivered AS effective_n,
    NULL AS coverage_90d,
    (SELECT ops.as_of()) AS refreshed_at
FROM laned
RETURNING delivery_time.lane
