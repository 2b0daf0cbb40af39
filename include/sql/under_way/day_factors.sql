-- Writes anew how the exits of each kind of day compare with those expected of a mean one, in days without disruptions.
-- Grain: one row per step, country and kind of day; every kind, of each step and country that is known. A country leans on all of them,
-- and these on no difference, as if 20 parcels more had moved on as they say. A holiday leans on the country's Sundays, and the day after
-- on its Mondays, as if 5 had: there are too few of them to learn from each other, and they differ. Of Poisson's counts with a gamma prior
-- the factor's standard error is its size divided by the root of exits, those leaned on included;
-- a holiday's is far beyond any use until 50 exits were expected of such days.
DELETE FROM serving.day_factor;

INSERT INTO serving.day_factor (step, country, day_kind, factor, unsure)
WITH known AS (
    SELECT
        step_day.step,
        step_day.country,
        step_day.day_kind,
        sum(step_day.observed) AS observed,
        sum(step_day.expected) AS expected
    FROM serving.step_day
    LEFT JOIN serving.disruption
        ON
            serving.holds(disruption, step_day)
            AND step_day.day >= disruption.started_on
            AND step_day.day < coalesce(disruption.ended_on + 7, 'infinity')
    WHERE disruption.disruption_id IS NULL
    GROUP BY step_day.step, step_day.country, step_day.day_kind
),

-- Grain: one row per step, country and day of the week.
asked AS (
    SELECT
        place.step,
        place.country,
        weekday.day_kind
    FROM (SELECT DISTINCT told.step, told.country FROM known AS told) AS place
    CROSS JOIN generate_series(1, 7) AS weekday (day_kind)
),

everywhere AS (
    SELECT
        step,
        day_kind,
        (sum(observed) + 20) / (sum(expected) + 20) AS factor
    FROM known
    GROUP BY step, day_kind
),

weekdays AS (
    SELECT
        asked.step,
        asked.country,
        asked.day_kind,
        (coalesce(known.observed, 0) + 20 * coalesce(everywhere.factor, 1)) / (coalesce(known.expected, 0) + 20) AS factor,
        1 / sqrt(coalesce(known.observed, 0) + 20 * coalesce(everywhere.factor, 1)) AS unsure
    FROM asked
    LEFT JOIN everywhere ON asked.step = everywhere.step AND asked.day_kind = everywhere.day_kind
    LEFT JOIN known
        ON asked.step = known.step AND asked.country = known.country AND asked.day_kind = known.day_kind
)

SELECT
    step,
    country,
    day_kind,
    factor,
    unsure
FROM weekdays
UNION ALL
SELECT
    weekdays.step,
    weekdays.country,
    special.day_kind,
    (coalesce(known.observed, 0) + 5 * weekdays.factor) / (coalesce(known.expected, 0) + 5),
    CASE WHEN known.expected >= 50 THEN 1 / sqrt(known.observed + 5 * weekdays.factor) ELSE 10 END
FROM weekdays
INNER JOIN (VALUES (8, 7), (9, 1)) AS special (day_kind, alike) ON weekdays.day_kind = special.alike
LEFT JOIN known
    ON weekdays.step = known.step AND weekdays.country = known.country AND special.day_kind = known.day_kind;
