-- Writes anew how the exits of each kind of day compare with those expected of a mean one, in days without disruptions.
-- Grain: one row per step, country and kind of day. A country leans on all countries, and these on no difference, as if 20 parcels
-- more had moved on as they say.
DELETE FROM serving.day_factor;

INSERT INTO serving.day_factor (step, country, day_kind, factor)
WITH known AS (
    SELECT
        step_day.step,
        step_day.country,
        serving.day_kind(step_day.country, step_day.day) AS day_kind,
        sum(step_day.observed) AS observed,
        sum(step_day.expected) AS expected
    FROM serving.step_day
    LEFT JOIN serving.disruption
        ON
            serving.holds(disruption, step_day)
            AND step_day.day >= disruption.started_on
            AND step_day.day < coalesce(disruption.ended_on + 7, 'infinity')
    WHERE disruption.disruption_id IS NULL
    GROUP BY step_day.step, step_day.country, step_day.day, serving.day_kind(step_day.country, step_day.day)
),

everywhere AS (
    SELECT
        step,
        day_kind,
        (sum(observed) + 20) / (sum(expected) + 20) AS factor
    FROM known
    GROUP BY step, day_kind
)

SELECT
    known.step,
    known.country,
    known.day_kind,
    (sum(known.observed) + 20 * everywhere.factor) / (sum(known.expected) + 20)
FROM known
INNER JOIN everywhere ON known.step = everywhere.step AND known.day_kind = everywhere.day_kind
GROUP BY known.step, known.country, known.day_kind, everywhere.factor;
