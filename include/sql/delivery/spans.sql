-- What of the touched shipments can be measured, by their status and events. Grain of the temporary table `new_span`: one row
-- per shipment and measure.
--
-- Clocks run from the order or the handover to the door. The handover is as the shop tells, else the pick-up, else the first
-- movement, unless that was already abroad or at the last mile: then nobody knows when it was. Legs begin and end at milestones
-- that a parcel under way has told as they happen; a leg whose beginning nobody told, or that ended without a word while a later
-- step was reached, has no span, and neither has one that ends before it begins. The way to export is that of parcels seen in the
-- country of origin.
CREATE TEMP TABLE new_span ON COMMIT DROP AS
-- Kept, so that the function is called once.
WITH moment AS MATERIALIZED (
    SELECT ops.as_of() AS as_of
),

customs AS (
    SELECT
        told.country,
        told.customs_union
    FROM unnest(%(countries)s::text [], %(unions)s::text []) AS told (country, customs_union)
),

-- Grain: one row per touched shipment that has a status, not cancelled.
shipment AS (
    SELECT
        status.*,
        told.shipped_at AS told_shipped_at,
        number.opened_at,
        status.origin_country <> status.destination_country AS crosses,
        coalesce(origin.customs_union, status.origin_country)
        <> coalesce(destination.customs_union, status.destination_country) AS has_customs,
        CASE
            WHEN status.milestone = 'delivered' THEN 'delivered'
            WHEN status.milestone = ANY(%(undelivered)s::text []) THEN 'lost'
            WHEN status.milestone = 'tracking_expired' THEN 'expired'
            ELSE 'open'
        END AS outcome
    FROM touched_shipment
    INNER JOIN serving.shipment_status AS status ON touched_shipment.shipment_id = status.shipment_id
    INNER JOIN core.shipment AS told ON status.shipment_id = told.shipment_id
    LEFT JOIN core.shipment_number AS number ON status.shipment_id = number.shipment_id
    LEFT JOIN customs AS origin ON status.origin_country = origin.country
    LEFT JOIN customs AS destination ON status.destination_country = destination.country
    WHERE status.milestone <> 'cancelled'
),

-- Grain: one row per shipment with events: when it met each step first, and its last sign of life.
journey AS (
    SELECT
        shipment.shipment_id,
        min(event.occurred_at) FILTER (WHERE event.milestone = 'picked_up') AS picked_up_at,
        min(event.occurred_at) FILTER (WHERE event.milestone = ANY(%(movement)s::text [])) AS moved_at,
        min(event.occurred_at) FILTER (
            WHERE
            event.milestone = ANY(%(movement)s::text [])
            AND (
                NOT event.milestone = ANY(%(early)s::text [])
                OR (shipment.crosses AND event.country <> shipment.origin_country)
            )
        ) AS underway_at,
        bool_or(
            event.milestone = ANY(%(early)s::text [])
            AND (event.country = shipment.origin_country OR event.country IS NULL)
        ) AS is_seen_early,
        min(event.occurred_at) FILTER (WHERE event.milestone = 'export_customs_started') AS export_started_at,
        min(event.occurred_at) FILTER (WHERE event.milestone = 'export_cleared') AS export_cleared_at,
        min(event.occurred_at) FILTER (
            WHERE event.country <> shipment.origin_country AND event.milestone = ANY(%(movement)s::text [])
        ) AS abroad_at,
        min(event.occurred_at) FILTER (
            WHERE
            event.milestone IN ('destination_country_arrived', 'import_customs_started')
            OR (event.country = shipment.destination_country AND event.milestone = ANY(%(movement)s::text []))
        ) AS arrived_at,
        min(event.occurred_at) FILTER (WHERE event.milestone = 'import_cleared') AS import_cleared_at,
        min(event.occurred_at) FILTER (WHERE event.milestone IN ('out_for_delivery', 'failed_attempt')) AS out_at,
        min(event.occurred_at) FILTER (WHERE event.milestone = 'available_for_pickup') AS waiting_at,
        min(event.occurred_at) FILTER (WHERE event.milestone IN ('returning', 'returned')) AS returning_at,
        max(event.occurred_at) AS last_seen_at
    FROM shipment
    INNER JOIN core.tracking_event AS event ON shipment.shipment_id = event.shipment_id
    WHERE event.withdrawn_at IS NULL AND event.reported_at >= %(since)s::timestamp
    GROUP BY shipment.shipment_id
),

-- Grain: one row per shipment: its steps in order. `ended_at` is when it ended otherwise than at the door, or went out of sight:
-- where nobody told when, at its last sign of life.
step AS (
    SELECT
        shipment.*,
        journey.shipment_id IS NOT NULL AS has_events,
        CASE
            WHEN shipment.told_shipped_at IS NOT NULL THEN shipment.told_shipped_at
            WHEN journey.picked_up_at IS NOT NULL THEN journey.picked_up_at
            WHEN journey.underway_at <= journey.moved_at THEN NULL
            ELSE journey.moved_at
        END AS handed_over_at,
        journey.is_seen_early,
        journey.export_started_at,
        journey.export_cleared_at,
        journey.abroad_at,
        journey.arrived_at,
        journey.import_cleared_at,
        journey.out_at,
        least(journey.waiting_at, CASE WHEN shipment.outcome = 'delivered' THEN shipment.delivered_at END) AS door_at,
        coalesce(
            CASE WHEN shipment.milestone IN ('returning', 'returned') THEN journey.returning_at END,
            shipment.milestone_at,
            journey.last_seen_at,
            shipment.shipped_at,
            shipment.ordered_at
        ) AS left_at
    FROM shipment
    LEFT JOIN journey ON shipment.shipment_id = journey.shipment_id
),

-- Grain: one row per shipment and measure. `reached_at` is the step that ends it, `passed_at` one that comes later still.
measured AS (
    SELECT
        'order_to_door' AS measure,
        false AS is_leg,
        step.ordered_at AS began_at,
        CASE WHEN step.outcome = 'delivered' THEN step.delivered_at END AS reached_at,
        NULL::timestamptz AS passed_at,
        step.*
    FROM step
    UNION ALL
    SELECT
        'handover_to_door' AS measure,
        false AS is_leg,
        step.handed_over_at AS began_at,
        CASE WHEN step.outcome = 'delivered' THEN step.delivered_at END AS reached_at,
        NULL::timestamptz AS passed_at,
        step.*
    FROM step
    UNION ALL
    SELECT
        'to_export' AS measure,
        true AS is_leg,
        step.handed_over_at AS began_at,
        coalesce(least(step.export_started_at, step.export_cleared_at), step.abroad_at) AS reached_at,
        least(step.arrived_at, step.import_cleared_at, step.out_at, step.door_at) AS passed_at,
        step.*
    FROM step
    WHERE step.has_customs AND step.is_seen_early
    UNION ALL
    SELECT
        'export_customs' AS measure,
        true AS is_leg,
        step.export_started_at AS began_at,
        step.export_cleared_at AS reached_at,
        least(step.abroad_at, step.arrived_at, step.import_cleared_at, step.out_at, step.door_at) AS passed_at,
        step.*
    FROM step
    WHERE step.has_customs AND step.has_events
    UNION ALL
    SELECT
        'line_haul' AS measure,
        true AS is_leg,
        CASE WHEN step.has_customs THEN step.export_cleared_at ELSE step.handed_over_at END AS began_at,
        step.arrived_at AS reached_at,
        least(step.import_cleared_at, step.out_at, step.door_at) AS passed_at,
        step.*
    FROM step
    WHERE step.crosses AND step.has_events
    UNION ALL
    SELECT
        'import_customs' AS measure,
        true AS is_leg,
        step.arrived_at AS began_at,
        step.import_cleared_at AS reached_at,
        least(step.out_at, step.door_at) AS passed_at,
        step.*
    FROM step
    WHERE step.has_customs AND step.has_events
    UNION ALL
    SELECT
        'last_mile' AS measure,
        true AS is_leg,
        CASE WHEN step.has_customs THEN step.import_cleared_at ELSE step.arrived_at END AS began_at,
        step.door_at AS reached_at,
        NULL::timestamptz AS passed_at,
        step.*
    FROM step
    WHERE step.crosses AND step.has_events
),

-- Grain: one row per shipment and measure: how it ended, as far as the moment knows.
ended AS (
    SELECT
        measured.*,
        CASE
            WHEN measured.reached_at IS NOT NULL THEN 'delivered'
            ELSE measured.outcome
        END AS how,
        CASE
            WHEN measured.reached_at IS NOT NULL THEN measured.reached_at
            WHEN measured.outcome <> 'open' THEN measured.left_at
        END AS until_at
    FROM measured
    WHERE measured.began_at IS NOT NULL AND (measured.reached_at IS NOT NULL OR measured.passed_at IS NULL)
),

-- Grain: the same, without clocks that run backwards, and with what lies ahead of the moment.
known AS (
    SELECT
        ended.*,
        ended.began_at > moment.as_of AS is_ahead,
        ended.until_at > moment.as_of AS ends_ahead
    FROM ended
    CROSS JOIN moment
    WHERE ended.until_at IS NULL OR ended.until_at >= ended.began_at
)

SELECT
    known.shipment_id,
    known.measure,
    serving.lane(
        known.origin_country,
        CASE WHEN NOT known.is_leg THEN known.origin_region END,
        known.destination_country,
        CASE WHEN NOT known.is_leg THEN known.destination_region END,
        known.carrier,
        known.service
    ) AS lane,
    known.origin_country,
    CASE WHEN NOT known.is_leg THEN known.origin_region END AS origin_region,
    known.destination_country,
    CASE WHEN NOT known.is_leg THEN known.destination_region END AS destination_region,
    known.carrier,
    known.service,
    known.began_at AS started_at,
    greatest(known.began_at, CASE WHEN NOT known.is_leg THEN known.opened_at END) AS entered_at,
    CASE WHEN NOT known.is_ahead AND NOT coalesce(known.ends_ahead, false) THEN known.until_at END AS ended_at,
    CASE WHEN known.is_ahead THEN known.began_at WHEN known.ends_ahead THEN known.until_at END AS due_at,
    CASE
        WHEN known.is_ahead THEN 'ahead'
        WHEN known.ends_ahead THEN 'open'
        ELSE known.how
    END AS outcome
FROM known
