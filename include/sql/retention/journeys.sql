-- Deletes the journeys of past_journey, and what hangs on them. Their change makes the next refresh take out their status, and
-- what they tell of their lanes. Grain of the result: one row, with how many rows of each went, and the last journey.
WITH gone_event AS (
    DELETE FROM core.tracking_event USING past_journey
    WHERE tracking_event.shipment_id = past_journey.shipment_id
    RETURNING 1
),

gone_number AS (
    DELETE FROM core.shipment_number USING past_journey
    WHERE shipment_number.shipment_id = past_journey.shipment_id
    RETURNING 1
),

gone_shipment AS (
    DELETE FROM core.shipment USING past_journey
    WHERE shipment.shipment_id = past_journey.shipment_id
    RETURNING 1
),

gone_plan AS (
    DELETE FROM ops.poll_plan USING past_journey
    WHERE poll_plan.shipment_id = past_journey.shipment_id
),

noted AS (
    INSERT INTO ops.shipment_change (shipment_id, run_id)
    SELECT
        past_journey.shipment_id,
        'retention'
    FROM past_journey
)

SELECT
    (SELECT count(*) FROM gone_event) AS events,
    (SELECT count(*) FROM gone_number) AS numbers,
    (SELECT count(*) FROM gone_shipment) AS shipments,
    (SELECT count(*) FROM past_journey) AS journeys,
    (SELECT max(shipment_id) FROM past_journey) AS last_shipment;
