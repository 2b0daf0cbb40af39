-- Writes all lanes: what their spans sum up to, and their curves. Grain: one row per lane and measure.
WITH summed AS (
    SELECT
        held.lane_id,
        sum(leaf.n)::bigint AS n,
        sum(leaf.n_delivered)::bigint AS n_delivered,
        sum(leaf.n_lost)::bigint AS n_lost,
        sum(leaf.seconds) AS seconds,
        sum(leaf.seconds_squared) AS seconds_squared
    FROM serving.leaf_lane AS leaf
    CROSS JOIN LATERAL unnest(leaf.lanes) AS held (lane_id)
    GROUP BY held.lane_id
),

written AS (
    SELECT
        lane.*,
        summed.n,
        summed.n_delivered,
        summed.n_lost,
        CASE WHEN summed.n_delivered > 0 THEN summed.seconds / summed.n_delivered / 86400 END AS mean_days,
        CASE
            WHEN summed.n_delivered > 1
                THEN sqrt(
                    greatest(summed.seconds_squared - summed.seconds * summed.seconds / summed.n_delivered, 0)
                    / (summed.n_delivered - 1)
                ) / 86400
        END AS sd_days,
        curve.curve,
        curve.points,
        curve.p_never_delivered,
        curve.p_never_delivered_expired_lost,
        coalesce(curve.effective_n, 0) AS effective_n,
        curve.borrowed
    FROM summed
    INNER JOIN serving.measured_lane AS lane ON summed.lane_id = lane.lane_id
    LEFT JOIN lane_curve AS curve ON lane.lane_id = curve.lane_id
    WHERE summed.n > 0
),

-- Lanes of which nothing is left.
gone AS (
    DELETE FROM serving.delivery_time AS lane_time
    WHERE NOT EXISTS (
        SELECT FROM written WHERE written.lane = lane_time.lane AND written.measure = lane_time.measure
    )
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
    curve,
    points,
    p_never_delivered,
    p_never_delivered_expired_lost,
    basis,
    effective_n,
    refreshed_at
)
SELECT
    written.lane,
    written.level,
    written.specificity,
    written.origin_country,
    written.origin_region,
    written.destination_country,
    written.destination_region,
    written.carrier,
    written.service,
    written.measure,
    written.n,
    written.n_delivered,
    written.n - written.n_delivered - written.n_lost,
    written.n_lost,
    written.mean_days,
    written.sd_days,
    written.curve,
    written.points,
    written.p_never_delivered::numeric,
    written.p_never_delivered_expired_lost::numeric,
    'life table of ' || serving.lane_in_words(
        written.level, written.origin_country, written.origin_region, written.destination_country,
        written.destination_region, written.carrier, written.service
    )
    || ', effective n ' || round(written.effective_n::numeric, CASE WHEN written.effective_n < 100 THEN 1 ELSE 0 END)
    || CASE
        WHEN parent.lane_id IS NULL OR written.curve IS NULL THEN ''
        ELSE '; ' || round(100 * written.borrowed::numeric) || ' %% leans on ' || serving.lane_in_words(
            parent.level, parent.origin_country, parent.origin_region, parent.destination_country,
            parent.destination_region, parent.carrier, parent.service
        ) || CASE
            WHEN other_parent.lane_id IS NULL THEN ''
            ELSE ' and ' || serving.lane_in_words(
                other_parent.level, other_parent.origin_country, other_parent.origin_region,
                other_parent.destination_country, other_parent.destination_region, other_parent.carrier,
                other_parent.service
            )
        END
    END AS basis,
    written.effective_n::numeric,
    (SELECT ops.as_of())
FROM written
LEFT JOIN serving.measured_lane AS parent
    ON
        CASE
            WHEN (%(mixed)s::boolean [])[written.specificity] THEN written.parent_id
            ELSE coalesce(written.other_parent_id, written.parent_id)
        END = parent.lane_id
LEFT JOIN serving.measured_lane AS other_parent
    ON (%(mixed)s::boolean [])[written.specificity] AND written.other_parent_id = other_parent.lane_id
ON CONFLICT (lane, measure) DO UPDATE SET
n = excluded.n,
n_delivered = excluded.n_delivered,
n_in_transit = excluded.n_in_transit,
n_lost_or_returned = excluded.n_lost_or_returned,
mean_days = excluded.mean_days,
sd_days = excluded.sd_days,
curve = excluded.curve,
points = excluded.points,
p_never_delivered = excluded.p_never_delivered,
p_never_delivered_expired_lost = excluded.p_never_delivered_expired_lost,
basis = excluded.basis,
effective_n = excluded.effective_n,
refreshed_at = excluded.refreshed_at
