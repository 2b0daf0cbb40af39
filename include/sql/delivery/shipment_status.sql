-- Writes the status of the touched shipments anew. Grain: one row per shipment.
--
-- The milestone is that of the latest event by (time, journey order), but for two rules: once delivered, only a return
-- counts; and the end of sight (tracking_expired) never undoes an end. A delivery that only a file tells counts as an
-- event. Without events the file's word holds; with events, an end that only the file tells holds until the carrier
-- tells an end too, and a cancellation only while nothing has moved.
WITH seen AS (
    SELECT
        event.shipment_id,
        event.occurred_at,
        coalesce(array_position(%(milestones)s::text [], event.milestone), 0) AS step,
        event.event_hash,
        event.milestone,
        event.reason,
        event.country,
        event.city
    FROM touched_shipment
    INNER JOIN core.tracking_event AS event ON touched_shipment.shipment_id = event.shipment_id
    WHERE event.withdrawn_at IS NULL AND event.reported_at >= %(since)s::timestamp
),

-- Grain: one row per shipment with events.
journey AS (
    SELECT
        seen.shipment_id,
        min(seen.occurred_at) FILTER (WHERE seen.milestone = 'delivered') AS delivered_at,
        min(seen.occurred_at) FILTER (WHERE seen.milestone = 'picked_up') AS picked_up_at,
        min(seen.occurred_at) FILTER (WHERE seen.milestone = ANY(%(movement)s::text [])) AS moved_at,
        min(seen.occurred_at) FILTER (WHERE seen.milestone = ANY(%(final)s::text [])) AS first_ended_at
    FROM seen
    GROUP BY seen.shipment_id
),

-- Grain: one row per touched shipment: what the file tells, and the key facts of the journey.
told AS (
    SELECT
        shipment.*,
        coalesce(journey.delivered_at, shipment.delivered_at) AS first_delivered_at,
        coalesce(shipment.shipped_at, journey.picked_up_at, journey.moved_at) AS handed_over_at,
        journey.delivered_at AS seen_delivered_at,
        CASE
            WHEN journey.delivered_at IS NULL AND NOT coalesce(shipment.milestone, '') = ANY(%(undelivered)s::text [])
                THEN shipment.delivered_at
        END AS told_delivered_at,
        coalesce(journey.picked_up_at, journey.moved_at) IS NOT NULL AS has_moved,
        journey.first_ended_at
    FROM touched_shipment
    INNER JOIN core.shipment ON touched_shipment.shipment_id = shipment.shipment_id
    LEFT JOIN journey ON shipment.shipment_id = journey.shipment_id
),

-- Grain: one row per event, and per delivery that only a file tells.
known AS (
    SELECT
        seen.shipment_id,
        seen.occurred_at,
        seen.step,
        seen.event_hash,
        seen.milestone,
        seen.reason
    FROM seen
    UNION ALL
    SELECT
        told.shipment_id,
        told.told_delivered_at AS occurred_at,
        array_position(%(milestones)s::text [], 'delivered') AS step,
        0 AS event_hash,
        'delivered' AS milestone,
        NULL AS reason
    FROM told
    WHERE told.told_delivered_at IS NOT NULL
),

-- Grain: one row per shipment with anything known: the event that decides the milestone.
deciding AS (
    SELECT DISTINCT ON (known.shipment_id)
        known.shipment_id,
        known.occurred_at,
        known.milestone,
        known.reason
    FROM known
    INNER JOIN told ON known.shipment_id = told.shipment_id
    WHERE
        (
            known.milestone IN ('delivered', 'returning', 'returned')
            OR coalesce(told.seen_delivered_at, told.told_delivered_at) IS NULL
            OR (known.occurred_at, known.step) <= (
                coalesce(told.seen_delivered_at, told.told_delivered_at),
                array_position(%(milestones)s::text [], 'delivered')
            )
        )
        AND NOT (known.milestone = 'tracking_expired' AND coalesce(told.first_ended_at <= known.occurred_at, false))
    ORDER BY known.shipment_id ASC, known.occurred_at DESC, known.step DESC, known.event_hash DESC
),

-- Grain: one row per shipment with a place: the last one seen.
place AS (
    SELECT DISTINCT ON (seen.shipment_id)
        seen.shipment_id,
        seen.city,
        seen.country
    FROM seen
    WHERE seen.city IS NOT NULL OR seen.country IS NOT NULL
    ORDER BY seen.shipment_id ASC, seen.occurred_at DESC, seen.step DESC, seen.event_hash DESC
),

-- Grain: one row per touched shipment.
resolved AS (
    SELECT
        told.*,
        deciding.occurred_at AS decided_at,
        deciding.reason AS decided_reason,
        deciding.milestone AS decided_milestone,
        CASE
            WHEN deciding.milestone IS NULL
                THEN coalesce(told.milestone, CASE WHEN told.handed_over_at IS NULL THEN 'registered' ELSE 'in_transit' END)
            WHEN deciding.milestone = ANY(%(final)s::text []) OR deciding.milestone = 'returning' THEN deciding.milestone
            WHEN told.milestone = 'cancelled' AND told.has_moved THEN deciding.milestone
            WHEN told.milestone = ANY(%(final)s::text []) THEN told.milestone
            ELSE deciding.milestone
        END AS outcome
    FROM told
    LEFT JOIN deciding ON told.shipment_id = deciding.shipment_id
),

-- Grain: one row per touched shipment; the outcome's own time, where it is known.
timed AS (
    SELECT
        resolved.*,
        CASE
            WHEN resolved.outcome = resolved.decided_milestone THEN resolved.decided_at
            WHEN resolved.outcome = 'delivered' THEN resolved.first_delivered_at
            WHEN resolved.outcome = 'in_transit' THEN resolved.handed_over_at
            WHEN resolved.outcome = 'registered' THEN resolved.ordered_at
        END AS outcome_at
    FROM resolved
)

INSERT INTO serving.shipment_status (
    shipment_id,
    order_id,
    carrier,
    tracking_number,
    epoch,
    service,
    origin_country,
    origin_region,
    destination_country,
    destination_region,
    ordered_at,
    shipped_at,
    delivered_at,
    milestone,
    milestone_at,
    ended_at,
    reason,
    last_place,
    last_country,
    refreshed_at
)
SELECT
    timed.shipment_id,
    timed.order_id,
    nullif(timed.carrier, 'unknown') AS carrier,
    timed.tracking_number,
    timed.epoch,
    timed.service,
    timed.origin_country,
    timed.origin_region,
    timed.destination_country,
    timed.destination_region,
    timed.ordered_at,
    timed.handed_over_at,
    timed.first_delivered_at,
    timed.outcome,
    timed.outcome_at,
    CASE
        WHEN timed.outcome = 'delivered' THEN timed.first_delivered_at
        WHEN timed.outcome = ANY(%(final)s::text []) THEN timed.outcome_at
    END AS ended_at,
    CASE WHEN timed.outcome = timed.decided_milestone THEN timed.decided_reason END AS reason,
    nullif(concat_ws(', ', place.city, place.country), '') AS last_place,
    place.country AS last_country,
    (SELECT ops.as_of()) AS refreshed_at
FROM timed
LEFT JOIN place ON timed.shipment_id = place.shipment_id
ON CONFLICT (shipment_id) DO UPDATE SET
order_id = excluded.order_id,
carrier = excluded.carrier,
tracking_number = excluded.tracking_number,
epoch = excluded.epoch,
service = excluded.service,
origin_country = excluded.origin_country,
origin_region = excluded.origin_region,
destination_country = excluded.destination_country,
destination_region = excluded.destination_region,
ordered_at = excluded.ordered_at,
shipped_at = excluded.shipped_at,
delivered_at = excluded.delivered_at,
milestone = excluded.milestone,
milestone_at = excluded.milestone_at,
ended_at = excluded.ended_at,
reason = excluded.reason,
last_place = excluded.last_place,
last_country = excluded.last_country,
refreshed_at = excluded.refreshed_at
