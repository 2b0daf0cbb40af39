-- Brings the spans of the touched shipments up to date. Grain of the temporary table `moved`: one row per span that went (sign
-- -1) or came (sign 1); a span that stays as it is is not touched.
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
    INNER JOIN serving.leaf_lane AS leaf
        ON
            new_span.measure = leaf.measure
            AND coalesce(new_span.origin_country, '') = coalesce(leaf.origin_country, '')
            AND coalesce(new_span.origin_region, '') = coalesce(leaf.origin_region, '')
            AND coalesce(new_span.destination_country, '') = coalesce(leaf.destination_country, '')
            AND coalesce(new_span.destination_region, '') = coalesce(leaf.destination_region, '')
            AND coalesce(new_span.carrier, '') = coalesce(leaf.carrier, '')
            AND coalesce(new_span.service, '') = coalesce(leaf.service, '')
),

known AS (
    SELECT span.* FROM serving.journey_span AS span
    INNER JOIN touched_shipment ON span.shipment_id = touched_shipment.shipment_id
)

SELECT
    known.shipment_id,
    known.leaf_id,
    known.started_at,
    known.entered_at,
    known.ended_at,
    known.due_at,
    known.outcome,
    -1 AS sign
FROM known
WHERE NOT EXISTS (
    SELECT FROM told
    WHERE
        known.shipment_id = told.shipment_id
        AND known.leaf_id = told.leaf_id
        AND (known.started_at, known.entered_at, known.outcome) = (told.started_at, told.entered_at, told.outcome)
        AND known.ended_at IS NOT DISTINCT FROM told.ended_at
        AND known.due_at IS NOT DISTINCT FROM told.due_at
)
UNION ALL
SELECT
    told.*,
    1 AS sign
FROM told
WHERE NOT EXISTS (
    SELECT FROM known
    WHERE
        known.shipment_id = told.shipment_id
        AND known.leaf_id = told.leaf_id
        AND (known.started_at, known.entered_at, known.outcome) = (told.started_at, told.entered_at, told.outcome)
        AND known.ended_at IS NOT DISTINCT FROM told.ended_at
        AND known.due_at IS NOT DISTINCT FROM told.due_at
);

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
