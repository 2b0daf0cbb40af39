-- Grain of the temporary table `experience`: one row per purchase that has a parcel. `lateness` is `open` while nobody can say how
-- it ends; `felt_at` is when the customer knew: what followed is counted from there on.
--
-- An order has arrived with the last of its parcels. What was promised is the first told of these before it was shipped: a promise
-- given to the order itself, the shop's own, or one that a refresh gave to its parcel. Days are those of the place where it goes.
CREATE TEMPORARY TABLE experience ON COMMIT DROP AS
WITH parcel AS (
    SELECT
        purchase.number,
        min(purchase.order_id) AS order_id,
        bool_and(coalesce(status.delivered_at <= %(as_of)s, false)) AS is_delivered,
        max(status.delivered_at) AS delivered_at,
        min(status.shipped_at) AS shipped_at,
        max(shipment.promised_at) AS promised_at,
        min(coalesce(purchase.country, status.destination_country)) AS country,
        bool_or(
            coalesce(status.delivered_at > %(as_of)s, true) AND status.milestone = ANY(%(undelivered)s::text [])
        ) AS is_given_up,
        min(status.milestone_at) FILTER (WHERE status.milestone = ANY(%(undelivered)s::text [])) AS given_up_at,
        bool_or(status.milestone = 'tracking_expired') AS is_out_of_sight
    FROM purchase
    INNER JOIN serving.shipment_status AS status ON purchase.order_id = status.order_id
    INNER JOIN core.shipment ON status.shipment_id = shipment.shipment_id
    -- what arrived before it was ordered is another's, or has a clock that runs backwards
    WHERE status.milestone <> 'cancelled' AND coalesce(status.delivered_at >= purchase.ordered_at, true)
    GROUP BY purchase.number
),

-- Grain: one row per order that a promise was given to.
promise AS (
    SELECT
        parcel.number,
        (array_agg(given.latest ORDER BY given.issued_at, given.promise_id) FILTER (WHERE given.shipment_id IS NULL))[1]
        AS told_latest,
        (array_agg(given.earliest ORDER BY given.issued_at, given.promise_id) FILTER (WHERE given.shipment_id IS NULL))[1]
        AS told_earliest,
        (array_agg(given.latest ORDER BY given.issued_at, given.promise_id) FILTER (WHERE given.shipment_id IS NOT NULL))[1]
        AS served_latest,
        (array_agg(given.earliest ORDER BY given.issued_at, given.promise_id) FILTER (WHERE given.shipment_id IS NOT NULL))[1]
        AS served_earliest
    FROM parcel
    INNER JOIN serving.promise_log AS given ON parcel.order_id = given.order_id
    WHERE
        given.measure = 'order_to_door'
        AND given.issued_at <= coalesce(parcel.shipped_at, parcel.delivered_at, 'infinity')
    GROUP BY parcel.number
),

-- Grain: one row per order with a parcel.
placed AS (
    SELECT
        parcel.*,
        coalesce(country.zone, 'UTC') AS zone,
        promise.told_earliest,
        promise.told_latest,
        promise.served_earliest,
        promise.served_latest,
        parcel.promised_at AT TIME ZONE coalesce(country.zone, 'UTC') AS promised_there
    FROM parcel
    LEFT JOIN core.country ON parcel.country = country.country
    LEFT JOIN promise ON parcel.number = promise.number
),

-- Grain: the same. A shop that names the first instant of a day, there or in UTC, means the day; any other is a moment. One
-- o'clock is the first instant by a clock that had been put back.
dated AS MATERIALIZED (
    SELECT
        placed.*,
        CASE
            WHEN placed.promised_at = date_trunc('day', placed.promised_at, 'UTC')
                THEN (placed.promised_at AT TIME ZONE 'UTC')::date
            WHEN placed.promised_there::time IN ('00:00', '01:00') THEN placed.promised_there::date
        END AS shop_day
    FROM placed
),

-- Grain: the same, worked out once: times of places take time. `due_at` is the end of the promised day, or the promised moment.
promised AS MATERIALIZED (
    SELECT
        dated.*,
        CASE
            WHEN dated.told_latest IS NOT NULL THEN (dated.told_latest + 1)::timestamp AT TIME ZONE dated.zone
            WHEN dated.shop_day IS NOT NULL THEN (dated.shop_day + 1)::timestamp AT TIME ZONE dated.zone
            WHEN dated.promised_at IS NOT NULL THEN dated.promised_at
            ELSE (dated.served_latest + 1)::timestamp AT TIME ZONE dated.zone
        END AS due_at,
        CASE
            WHEN dated.told_latest IS NOT NULL THEN dated.told_earliest
            WHEN dated.promised_at IS NULL THEN dated.served_earliest
        END::timestamp AT TIME ZONE dated.zone AS range_begins_at
    FROM dated
),

-- Grain: the same; `days_late` counts days that have begun.
judged AS MATERIALIZED (
    SELECT
        promised.*,
        NOT promised.is_delivered AND (
            promised.is_given_up
            OR (NOT promised.is_out_of_sight AND promised.due_at + make_interval(days => %(overdue_days)s) < %(as_of)s)
        ) AS is_never,
        coalesce(promised.range_begins_at, promised.due_at - make_interval(days => %(early_days)s)) AS early_until,
        CASE
            WHEN promised.is_delivered
                THEN ceil(extract(EPOCH FROM promised.delivered_at - promised.due_at)::double precision / 86400)::integer
        END AS days_late,
        promised.due_at < %(as_of)s
        AND (promised.is_delivered OR promised.is_given_up OR NOT promised.is_out_of_sight) AS is_due
    FROM promised
)

SELECT
    purchase.number,
    purchase.customer,
    coalesce(judged.country, '') AS country,
    CASE
        WHEN purchase.nth IS NULL THEN 'guest'
        WHEN purchase.nth = 1 THEN 'first_order'
        WHEN purchase.nth <= 3 THEN 'second_or_third'
        ELSE 'regular'
    END AS segment,
    CASE
        WHEN judged.is_never THEN 'never_arrived'
        WHEN NOT judged.is_delivered THEN 'open'
        WHEN judged.due_at IS NULL THEN 'no_promise'
        WHEN judged.delivered_at < judged.early_until THEN 'early'
        WHEN judged.delivered_at <= judged.due_at THEN 'on_time'
        WHEN judged.days_late <= 2 THEN 'late_1_2_days'
        WHEN judged.days_late <= 7 THEN 'late_3_7_days'
        ELSE 'late_over_a_week'
    END AS lateness,
    CASE
        WHEN judged.is_delivered THEN judged.delivered_at
        -- given up, or the promise's end: whichever was first
        WHEN judged.is_never THEN coalesce(least(judged.due_at, judged.given_up_at), purchase.ordered_at)
    END AS felt_at,
    CASE WHEN judged.is_delivered THEN extract(EPOCH FROM judged.delivered_at - purchase.ordered_at)::double precision / 86400 END
    AS days,
    judged.days_late,
    coalesce(judged.is_due, false) AS is_due,
    coalesce(judged.is_due AND (NOT judged.is_delivered OR judged.delivered_at > judged.due_at), false) AS is_late,
    purchase.currency,
    purchase.value,
    purchase.value_returned,
    purchase.returned_at
FROM judged
INNER JOIN purchase ON judged.number = purchase.number;
ANALYZE experience (customer);
