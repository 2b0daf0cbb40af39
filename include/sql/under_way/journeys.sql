-- The journeys of the chosen shipments, as far as they had come: `kind` (their lanes), `journey_end`, and `stay`, their steps.
-- Grain of kind: one row per combination of countries, carrier and service.
CREATE TEMPORARY TABLE kind ON COMMIT DROP AS
SELECT
    row_number() OVER ()::integer AS kind_id,
    told.*
FROM (
    SELECT DISTINCT
        serving.lane(origin_country, NULL, destination_country, NULL, carrier, service) AS kind,
        origin_country,
        destination_country,
        carrier,
        service
    FROM chosen
) AS told;

ANALYZE kind;

-- Grain of scan: one row per event, per order, and per handover or end that only a file tells.
CREATE TEMPORARY TABLE scan ON COMMIT DROP AS
WITH told AS (
    SELECT
        event.shipment_id,
        event.occurred_at,
        event.milestone,
        event.country,
        event.reason
    FROM chosen
    INNER JOIN core.tracking_event AS event ON chosen.shipment_id = event.shipment_id
    WHERE event.withdrawn_at IS NULL AND event.occurred_at <= %(as_of)s
),

-- Grain: one row per shipment with events.
seen AS (
    SELECT
        shipment_id,
        min(occurred_at) AS first_at,
        bool_or(milestone IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed')) AS has_end
    FROM told
    GROUP BY shipment_id
)

SELECT
    shipment_id,
    occurred_at,
    milestone,
    country,
    reason
FROM told
UNION ALL
SELECT
    chosen.shipment_id,
    chosen.ordered_at,
    'registered',
    chosen.origin_country,
    NULL
FROM chosen
LEFT JOIN seen ON chosen.shipment_id = seen.shipment_id
WHERE chosen.ordered_at <= least(seen.first_at, %(as_of)s)
UNION ALL
SELECT
    chosen.shipment_id,
    chosen.shipped_at,
    'in_transit',
    NULL,
    NULL
FROM chosen
LEFT JOIN seen ON chosen.shipment_id = seen.shipment_id
WHERE seen.shipment_id IS NULL AND chosen.shipped_at <= %(as_of)s
UNION ALL
SELECT
    chosen.shipment_id,
    chosen.ended_at,
    chosen.milestone,
    NULL,
    NULL
FROM chosen
LEFT JOIN seen ON chosen.shipment_id = seen.shipment_id
WHERE
    NOT coalesce(seen.has_end, false)
    AND chosen.milestone IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed')
    AND chosen.ended_at <= %(as_of)s;

ANALYZE scan;

-- Grain of journey_end: one row per shipment. outcome: 1 delivered, 2 another end (the way back among them), 0 not ended. Who is
-- out of sight was last seen when sight ended.
CREATE TEMPORARY TABLE journey_end ON COMMIT DROP AS
WITH last_word AS (
    SELECT
        shipment_id,
        min(occurred_at) FILTER (WHERE milestone = 'delivered') AS delivered_at,
        min(occurred_at) FILTER (WHERE milestone IN ('lost', 'returning', 'returned', 'cancelled', 'destroyed')) AS other_at,
        max(occurred_at) FILTER (WHERE milestone = 'tracking_expired') AS expired_at,
        max(occurred_at) FILTER (WHERE milestone <> 'tracking_expired') AS last_at
    FROM scan
    GROUP BY shipment_id
)

SELECT
    chosen.shipment_id,
    kind.kind_id,
    CASE
        WHEN last_word.delivered_at <= coalesce(last_word.other_at, last_word.delivered_at) THEN 1
        WHEN last_word.other_at IS NOT NULL THEN 2
        ELSE 0
    END AS outcome,
    coalesce(
        least(last_word.delivered_at, last_word.other_at),
        CASE WHEN last_word.expired_at >= last_word.last_at THEN last_word.expired_at END,
        greatest(chosen.seen_until, last_word.last_at)
    ) AS end_at
FROM chosen
INNER JOIN kind
    ON
        kind.kind = serving.lane(
            chosen.origin_country, NULL, chosen.destination_country, NULL, chosen.carrier, chosen.service
        )
LEFT JOIN last_word ON chosen.shipment_id = last_word.shipment_id;

ANALYZE journey_end;

-- Grain of stay: one row per step of a shipment's journey, until the next step begins or the parcel was last seen; scans that
-- repeat a step go on with it. outcome: 1 moved on, 2 another end, 0 still there. delayed_at: first told of a delay within it.
CREATE TEMPORARY TABLE stay ON COMMIT DROP AS
WITH stepped AS (
    SELECT
        scan.shipment_id,
        journey_end.kind_id,
        scan.occurred_at,
        scan.milestone,
        scan.country,
        journey_end.end_at,
        journey_end.outcome,
        coalesce(array_position(%(milestones)s::text [], scan.milestone), 0) AS place,
        ops.journey_state(scan.milestone, scan.country, kind.origin_country, kind.destination_country) AS step
    FROM scan
    INNER JOIN journey_end ON scan.shipment_id = journey_end.shipment_id AND scan.occurred_at <= journey_end.end_at
    INNER JOIN kind ON journey_end.kind_id = kind.kind_id
    WHERE serving.is_step(scan.milestone)
),

begun AS (
    SELECT
        *,
        coalesce(lag(step) OVER (PARTITION BY shipment_id ORDER BY occurred_at, place, step) <> step, true) AS begins
    FROM stepped
),

-- Grain: one row per step that begins, ends among them.
following AS (
    SELECT
        *,
        lead(occurred_at) OVER journey AS next_at,
        lead(milestone) OVER journey AS next_milestone
    FROM begun
    WHERE begins
    WINDOW journey AS (PARTITION BY shipment_id ORDER BY occurred_at, place, step)
)

SELECT
    following.shipment_id,
    following.kind_id,
    following.step,
    following.country,
    following.occurred_at AS from_at,
    coalesce(following.next_at, following.end_at) AS until_at,
    following.next_at IS NULL AS is_last,
    CASE
        WHEN following.next_milestone IN ('lost', 'returning', 'returned', 'cancelled', 'destroyed') THEN 2
        WHEN following.next_at IS NOT NULL THEN 1
        ELSE 0
    END AS outcome,
    min(delay.occurred_at) AS delayed_at
FROM following
LEFT JOIN scan AS delay
    ON
        following.shipment_id = delay.shipment_id
        AND delay.milestone = 'delayed'
        AND following.occurred_at <= delay.occurred_at
        AND coalesce(following.next_at, following.end_at) > delay.occurred_at
WHERE following.milestone NOT IN ('delivered', 'lost', 'returning', 'returned', 'cancelled', 'destroyed')
GROUP BY
    following.shipment_id,
    following.kind_id,
    following.step,
    following.country,
    following.occurred_at,
    following.next_at,
    following.end_at,
    following.next_milestone;

ANALYZE stay;
