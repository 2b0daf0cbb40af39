-- Grain of the temporary table `arriving`: one row per staged shipment, with the epoch of its number that it belongs to.
-- Within a batch a number's next journey begins where another order follows one that was delivered before it started.
-- Against the warehouse a row belongs to the epoch of its own order; else to the earliest whose order is not known and
-- whose journey may be the same; else to one of another order that it overlaps. What fits none opens a new epoch.
CREATE TEMPORARY TABLE arriving ON COMMIT DROP AS
WITH numbered AS (
    SELECT
        staged_row,
        coalesce(carrier, 'unknown') AS carrier,
        coalesce(tracking_number, order_id) AS number,
        order_id,
        coalesce(ordered_at, shipped_at) AS starts_at,
        delivered_at,
        max(delivered_at) OVER (
            PARTITION BY coalesce(carrier, 'unknown'), coalesce(tracking_number, order_id), order_id
        ) AS order_delivered_at,
        CASE
            WHEN milestone = ANY(%(final)s) THEN coalesce(delivered_at, shipped_at, ordered_at, %(as_of)s)
            ELSE delivered_at
        END AS finished_at
    FROM accepted
),

following AS (
    SELECT
        *,
        lag(order_id) OVER number_in_time <> order_id
        AND lag(order_delivered_at) OVER number_in_time < starts_at AS is_next_journey
    FROM numbered
    WINDOW number_in_time AS (PARTITION BY carrier, number ORDER BY starts_at, staged_row)
),

journey AS (
    SELECT
        *,
        1 + count(*) FILTER (WHERE is_next_journey) OVER (
            PARTITION BY carrier, number ORDER BY starts_at, staged_row
        ) AS journey
    FROM following
),

-- What is not told of a time or an order can't part two journeys. Where an order is not known, a day is left for clocks
-- read in the wrong zone; a row that names no order is a new journey only after the 120 days that hold for events.
fitting AS (
    SELECT DISTINCT ON (journey.staged_row)
        journey.staged_row,
        known.epoch,
        coalesce(journey.order_id = shipment.order_id, false) AS is_own
    FROM journey
    INNER JOIN core.shipment_number AS known
        ON journey.carrier = known.carrier AND journey.number = known.tracking_number
    INNER JOIN core.shipment AS shipment ON known.shipment_id = shipment.shipment_id
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN journey.order_id IS NULL THEN interval '120 days'
                WHEN shipment.order_id IS NULL THEN interval '1 day'
                ELSE interval '0'
            END AS slack,
            least(known.first_event_at, shipment.ordered_at, shipment.shipped_at, shipment.delivered_at) AS began_at
    ) AS span
    WHERE
        coalesce(journey.order_id = shipment.order_id, false)
        OR NOT coalesce(
            known.finished_at + span.slack < journey.starts_at OR journey.delivered_at + span.slack < span.began_at,
            false
        )
    ORDER BY
        journey.staged_row,
        CASE
            WHEN journey.order_id = shipment.order_id THEN 0
            WHEN journey.order_id IS NULL OR shipment.order_id IS NULL THEN 1
            ELSE 2
        END,
        CASE WHEN journey.starts_at IS NOT NULL THEN known.opened_at END,
        known.opened_at DESC
),

placed AS (
    SELECT
        journey.*,
        CASE
            WHEN
                fitting.is_own
                OR journey.journey = min(journey.journey) OVER (
                    PARTITION BY journey.carrier, journey.number, fitting.epoch
                )
                THEN fitting.epoch
        END AS known_epoch
    FROM journey
    LEFT JOIN fitting ON journey.staged_row = fitting.staged_row
),

latest AS (
    SELECT
        known.carrier,
        known.tracking_number,
        max(known.epoch) AS epoch
    FROM core.shipment_number AS known
    WHERE (known.carrier, known.tracking_number) IN (SELECT carrier, number FROM numbered)
    GROUP BY known.carrier, known.tracking_number
)

SELECT
    placed.staged_row,
    placed.carrier,
    placed.number,
    coalesce(placed.starts_at, placed.delivered_at) AS starts_at,
    placed.finished_at,
    coalesce(
        placed.known_epoch,
        coalesce(latest.epoch, 0) + dense_rank() OVER (
            PARTITION BY placed.carrier, placed.number, placed.known_epoch IS NULL ORDER BY placed.journey
        )
    )::smallint AS epoch
FROM placed
LEFT JOIN latest ON placed.carrier = latest.carrier AND placed.number = latest.tracking_number;

ANALYZE arriving;
