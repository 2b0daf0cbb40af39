-- A state is a step, or a step within which the carrier has told of a delay; a parcel counts at each landmark that it reached within.
-- Grain of the temporary table: one row per state, kind of shipment, landmark (from 0), bin of days from there to the end (from 0), and
-- outcome.
CREATE TEMPORARY TABLE remaining_count ON COMMIT DROP AS
WITH spell AS (
    SELECT
        stay.kind_id,
        journey_end.outcome,
        part.state,
        extract(EPOCH FROM part.until_at - part.from_at)::double precision / 86400 AS days,
        extract(EPOCH FROM journey_end.end_at - part.from_at)::double precision / 86400 AS days_to_end
    FROM stay
    INNER JOIN journey_end ON stay.shipment_id = journey_end.shipment_id
    CROSS JOIN LATERAL (
        VALUES
        (stay.step, stay.from_at, coalesce(stay.delayed_at, stay.until_at)),
        (stay.step || ', delayed', stay.delayed_at, stay.until_at)
    ) AS part (state, from_at, until_at)
    WHERE part.from_at IS NOT NULL
)

SELECT
    spell.state,
    spell.kind_id,
    landmark.place::integer - 1 AS place,
    width_bucket(spell.days_to_end - landmark.days, serving.ages()) AS bin,
    spell.outcome,
    count(*) AS n
FROM spell
INNER JOIN unnest(serving.landmarks()) WITH ORDINALITY AS landmark (days, place) ON landmark.days <= greatest(spell.days, 0)
GROUP BY spell.state, spell.kind_id, landmark.place, bin, spell.outcome;
