-- Brings the spans of the touched shipments up to date. Grain of the temporary table `known_span`: one row per span of theirs that
-- is known.
CREATE TEMP TABLE known_span ON COMMIT DROP AS
SELECT
    span.shipment_id,
    span.leaf_id,
    span.started_at,
    span.entered_at,
    span.ended_at,
    span.due_at,
    span.outcome
FROM touched_shipment
INNER JOIN serving.journey_span AS span ON touched_shipment.shipment_id = span.shipment_id;

ANALYZE known_span;

-- Grain: one row per span that went (sign -1) or came (sign 1). A span that stays as it is is not touched.
CREATE TEMP TABLE moved ON COMMIT DROP AS
WITH told AS (
    SELECT
        new_span.shipment_id,
        leaf.leaf_id,
        new_span.started_at,
        new_span.entered_at,
        new_span.ended_at,
        new_span.due_at,
        new_span.outcome
    FROM new_span
    INNER JOIN serving.leaf_lane AS leaf ON new_span.measure = leaf.measure AND new_span.lane = leaf.lane
),

compared AS (
    SELECT
        known_span,
        told,
        coalesce(known_span.shipment_id, told.shipment_id) AS shipment_id,
        coalesce(known_span.leaf_id, told.leaf_id) AS leaf_id
    FROM known_span
    FULL JOIN told
        ON known_span.shipment_id = told.shipment_id AND known_span.leaf_id = told.leaf_id
    WHERE
        (known_span.started_at, known_span.entered_at, known_span.ended_at, known_span.due_at, known_span.outcome)
        IS DISTINCT FROM (told.started_at, told.entered_at, told.ended_at, told.due_at, told.outcome)
)

SELECT
    compared.shipment_id,
    compared.leaf_id,
    (compared.known_span).started_at,
    (compared.known_span).entered_at,
    (compared.known_span).ended_at,
    (compared.known_span).due_at,
    (compared.known_span).outcome,
    -1 AS sign
FROM compared
WHERE (compared.known_span).outcome IS NOT NULL
UNION ALL
SELECT
    compared.shipment_id,
    compared.leaf_id,
    (compared.told).started_at,
    (compared.told).entered_at,
    (compared.told).ended_at,
    (compared.told).due_at,
    (compared.told).outcome,
    1 AS sign
FROM compared
WHERE (compared.told).outcome IS NOT NULL;

ANALYZE moved;

DELETE FROM serving.journey_span AS span USING moved
WHERE moved.sign = -1 AND span.shipment_id = moved.shipment_id AND span.leaf_id = moved.leaf_id;

INSERT INTO serving.journey_span (shipment_id, leaf_id, started_at, entered_at, ended_at, due_at, outcome)
SELECT
    moved.shipment_id,
    moved.leaf_id,
    moved.started_at,
    moved.entered_at,
    moved.ended_at,
    moved.due_at,
    moved.outcome
FROM moved
WHERE moved.sign = 1
ORDER BY moved.shipment_id, moved.leaf_id
