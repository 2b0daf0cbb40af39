-- A state is a step, or a step within which the carrier has told of a delay; a parcel counts at each landmark that it reached within.
-- Grain of the temporary table: one row per state, kind of shipment, landmark (from 0), bin of days from there to the end (from 0), and
-- outcome.
CREATE TEMPORARY TABLE remaining_count ON COMMIT DROP AS
WITH state AS (
    SELECT
        row_number() OVER ()::integer AS state_id,
        told.state,
        told.step,
        told.is_delayed
    FROM (
        SELECT DISTINCT
            stay.step,
            part.is_delayed,
            stay.step || CASE WHEN part.is_delayed THEN ', delayed' ELSE '' END AS state
        FROM stay
        CROSS JOIN (VALUES (true), (false)) AS part (is_delayed)
    ) AS told
),

spell AS (
    SELECT
        stay.kind_id,
        journey_end.outcome,
        state.state_id,
        extract(
            EPOCH FROM CASE WHEN state.is_delayed THEN stay.until_at ELSE coalesce(stay.delayed_at, stay.until_at) END
            - CASE WHEN state.is_delayed THEN stay.delayed_at ELSE stay.from_at END
        )::double precision / 86400 AS days,
        extract(
            EPOCH FROM journey_end.end_at - CASE WHEN state.is_delayed THEN stay.delayed_at ELSE stay.from_at END
        )::double precision / 86400 AS days_to_end
    FROM stay
    INNER JOIN journey_end ON stay.shipment_id = journey_end.shipment_id
    INNER JOIN state ON stay.step = state.step AND (stay.delayed_at IS NOT NULL OR NOT state.is_delayed)
),

counted AS (
    SELECT
        spell.state_id,
        spell.kind_id,
        landmark.place::integer - 1 AS place,
        width_bucket(spell.days_to_end - landmark.days, serving.ages()) AS bin,
        spell.outcome,
        count(*) AS n
    FROM spell
    INNER JOIN unnest(serving.landmarks()) WITH ORDINALITY AS landmark (days, place) ON landmark.days <= greatest(spell.days, 0)
    GROUP BY spell.state_id, spell.kind_id, landmark.place, bin, spell.outcome
)

SELECT
    state.state,
    counted.kind_id,
    counted.place,
    counted.bin,
    counted.outcome,
    counted.n
FROM counted
INNER JOIN state ON counted.state_id = state.state_id;
