-- Compares the promises issued in one week with what became of the parcels. Grain: one row per scope, measure and confidence of
-- which every promise has matured by now, once the week is over.
--
-- A promise is judged by what happened until 56 days after it matured, and by nothing later, so that settling week after week
-- says the same as settling once. Its parcel is that of its reference; an order has arrived with the last of its parcels. Not
-- delivered by then is late. Cancelled parcels, those out of sight before the promise matured, and references that no
-- parcel has, can't be judged: they are counted as unobserved. A parcel that was lost or sent back is late by no number of days;
-- one that is open, by those it has been so far.
WITH promise AS (
    SELECT
        given.*,
        least((SELECT ops.as_of()), given.matures_at + interval '56 days') AS seen_until
    FROM serving.promise_log AS given
    WHERE given.issued_week = %(week)s
),

-- Grain: one row per promise and parcel of its reference.
parcel AS (
    SELECT
        promise.promise_id,
        status.*
    FROM promise
    INNER JOIN serving.shipment_status AS status ON promise.shipment_id = status.shipment_id
    UNION ALL
    SELECT
        promise.promise_id,
        status.*
    FROM promise
    INNER JOIN serving.shipment_status AS status
        ON promise.tracking_number = status.tracking_number AND coalesce(promise.carrier = status.carrier, true)
    WHERE promise.shipment_id IS NULL
    UNION ALL
    SELECT
        promise.promise_id,
        status.*
    FROM promise
    INNER JOIN serving.shipment_status AS status ON promise.order_id = status.order_id
    WHERE promise.shipment_id IS NULL AND promise.tracking_number IS NULL
),

-- Grain: one row per promise and parcel that can be judged or lies out of sight. A parcel that arrived before the promise's
-- clock started is another use of the number, or has a clock that runs backwards.
seen AS (
    SELECT
        parcel.promise_id,
        CASE WHEN parcel.delivered_at <= promise.seen_until THEN parcel.delivered_at END AS delivered_at,
        coalesce(parcel.delivered_at <= promise.seen_until, false) AS is_delivered,
        parcel.milestone IN ('lost', 'returning', 'returned', 'destroyed')
        AND coalesce(parcel.milestone_at <= promise.seen_until, true) AS is_lost_or_returned,
        parcel.milestone = 'tracking_expired'
        AND coalesce(parcel.milestone_at < promise.matures_at, true) AS is_out_of_sight
    FROM parcel
    INNER JOIN promise ON parcel.promise_id = promise.promise_id
    WHERE
        coalesce(parcel.delivered_at >= promise.starts_at, true)
        AND NOT (parcel.milestone = 'cancelled' AND coalesce(parcel.milestone_at <= promise.seen_until, true))
),

-- Grain: one row per promise that has a parcel.
outcome AS (
    SELECT
        seen.promise_id,
        bool_and(seen.is_delivered) AS is_delivered,
        max(seen.delivered_at) AS delivered_at,
        bool_or(seen.is_lost_or_returned AND NOT seen.is_delivered) AS is_lost_or_returned,
        bool_or(seen.is_out_of_sight AND NOT seen.is_delivered) AS is_out_of_sight
    FROM seen
    GROUP BY seen.promise_id
),

-- Grain: one row per promise; `days` until it arrived, or that it has been open so far.
judged AS (
    SELECT
        promise.*,
        (1 - promise.confidence::double precision) / 2 AS lower_share,
        (1 + promise.confidence::double precision) / 2 AS upper_share,
        coalesce(NOT outcome.is_out_of_sight, false) AS is_observed,
        outcome.is_delivered,
        outcome.is_lost_or_returned,
        CASE WHEN outcome.is_delivered OR NOT outcome.is_lost_or_returned THEN
            extract(EPOCH FROM (
                CASE WHEN outcome.is_delivered THEN outcome.delivered_at ELSE promise.seen_until END - promise.starts_at
            ))::double precision / 86400
        END AS days,
        outcome.is_delivered
        AND (outcome.delivered_at AT TIME ZONE coalesce(country.zone, 'UTC'))::date BETWEEN promise.earliest AND promise.latest
        AS is_on_dates,
        promise.issued_at <= promise.starts_at + interval '3 days' AS is_fresh
    FROM promise
    LEFT JOIN outcome ON promise.promise_id = outcome.promise_id
    LEFT JOIN core.country ON promise.destination_country = country.country
),

-- Grain: one row per promise; early and late only where it is observed.
kept AS (
    SELECT
        judged.*,
        judged.is_observed AND judged.is_delivered AND judged.days < judged.lower_days AS is_early,
        judged.is_observed AND (NOT judged.is_delivered OR judged.days > judged.upper_days) AS is_late,
        judged.is_observed AND judged.days IS NOT NULL AS is_timed,
        greatest(
            judged.lower_share * (judged.days - judged.lower_days), (judged.lower_share - 1) * (judged.days - judged.lower_days)
        ) AS loss_lower,
        0.5 * abs(judged.days - judged.likely_days) AS loss_likely,
        greatest(
            judged.upper_share * (judged.days - judged.upper_days), (judged.upper_share - 1) * (judged.days - judged.upper_days)
        ) AS loss_upper
    FROM judged
)

INSERT INTO serving.promise_accuracy (
    scope,
    level,
    origin_country,
    destination_country,
    measure,
    confidence,
    issued_week,
    n,
    n_early,
    n_late,
    n_on_dates,
    n_undelivered,
    n_unobserved,
    n_timed,
    mean_width_days,
    mean_days_late,
    pinball_lower,
    pinball_likely,
    pinball_upper,
    fresh_n,
    fresh_early,
    fresh_late,
    fresh_lower_level,
    fresh_upper_level,
    matured_at,
    settled_at
)
SELECT
    CASE
        WHEN grouping(kept.level) = 0 THEN 'level'
        WHEN grouping(kept.origin_country) = 0 THEN 'lane_country'
        WHEN grouping(kept.destination_country) = 0 THEN 'destination_country'
        ELSE 'all'
    END AS scope,
    kept.level,
    kept.origin_country,
    kept.destination_country,
    kept.measure,
    kept.confidence,
    %(week)s::date AS issued_week,
    count(*) FILTER (WHERE kept.is_observed) AS n,
    count(*) FILTER (WHERE kept.is_early) AS n_early,
    count(*) FILTER (WHERE kept.is_late) AS n_late,
    count(*) FILTER (WHERE kept.is_observed AND kept.is_on_dates) AS n_on_dates,
    count(*) FILTER (WHERE kept.is_observed AND NOT kept.is_delivered) AS n_undelivered,
    count(*) FILTER (WHERE NOT kept.is_observed) AS n_unobserved,
    count(*) FILTER (WHERE kept.is_timed) AS n_timed,
    avg(kept.upper_days - kept.lower_days) FILTER (WHERE kept.is_observed) AS mean_width_days,
    avg(kept.days - kept.upper_days) FILTER (WHERE kept.is_late AND kept.is_timed) AS mean_days_late,
    avg(kept.loss_lower) FILTER (WHERE kept.is_timed) AS pinball_lower,
    avg(kept.loss_likely) FILTER (WHERE kept.is_timed) AS pinball_likely,
    avg(kept.loss_upper) FILTER (WHERE kept.is_timed) AS pinball_upper,
    count(*) FILTER (WHERE kept.is_observed AND kept.is_fresh) AS fresh_n,
    count(*) FILTER (WHERE kept.is_early AND kept.is_fresh) AS fresh_early,
    count(*) FILTER (WHERE kept.is_late AND kept.is_fresh) AS fresh_late,
    avg(kept.lower_level) FILTER (WHERE kept.is_observed AND kept.is_fresh) AS fresh_lower_level,
    avg(kept.upper_level) FILTER (WHERE kept.is_observed AND kept.is_fresh) AS fresh_upper_level,
    max(kept.matures_at) AS matured_at,
    (SELECT ops.as_of()) AS settled_at
FROM kept
WHERE %(week)s::date + 7 <= (SELECT ops.as_of() AT TIME ZONE 'UTC')
GROUP BY
    kept.measure,
    kept.confidence,
    GROUPING SETS ((), (kept.level), (kept.destination_country), (kept.origin_country, kept.destination_country))
HAVING
    max(kept.matures_at) <= (SELECT ops.as_of())
    AND count(*) FILTER (WHERE kept.is_observed) > 0
    AND (grouping(kept.destination_country) = 1 OR kept.destination_country IS NOT NULL)
    AND (grouping(kept.origin_country) = 1 OR kept.origin_country IS NOT NULL)
