-- Empties all sums, to be made anew from the spans by another half-life or epoch. Grain: one row per sum.
DELETE FROM serving.life_table;

UPDATE serving.leaf_lane SET n = 0, n_delivered = 0, n_lost = 0, seconds = 0, seconds_squared = 0;

DELETE FROM serving.span_day;

DELETE FROM serving.life_table_state;

CREATE TEMP VIEW every_span AS
SELECT
    span.shipment_id,
    span.leaf_id,
    span.started_at,
    span.entered_at,
    span.ended_at,
    span.due_at,
    span.outcome,
    1 AS sign
FROM serving.journey_span AS span
