-- Time in a step of a journey, and time left to the door: the ages at which they are known, and how they are read.

CREATE OR REPLACE FUNCTION serving.ages() RETURNS double precision []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[
        0.125, 0.25, 0.375, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8, 9, 10, 11, 12, 13, 14,
        15, 16, 17, 18, 19, 20, 22, 24, 26, 28, 30, 33, 36, 40, 45, 50, 60, 75, 90, 120
    ]::double precision [];
COMMENT ON FUNCTION serving.ages() IS
'Days since a step began, or since a moment within it, at which the bins of time end; the first begins at 0.';

CREATE OR REPLACE FUNCTION serving.landmarks() RETURNS double precision []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]::double precision [];
COMMENT ON FUNCTION serving.landmarks() IS
'Days spent in a state of a journey at which the time left to the door is known.';

CREATE OR REPLACE FUNCTION serving.remaining_levels() RETURNS double precision []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]::double precision [];
COMMENT ON FUNCTION serving.remaining_levels() IS 'The probabilities at which the time left to the door is kept.';

-- `curve` holds values at serving.ages(), from 0 at age 0: linear between, and level after the last.
CREATE OR REPLACE FUNCTION serving.at_age(curve double precision [], days double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
        WHEN days <= 0 THEN 0
        WHEN width_bucket(days, serving.ages()) >= cardinality(curve) THEN curve[cardinality(curve)]
        ELSE
            coalesce(curve[width_bucket(days, serving.ages())], 0)
            + (curve[width_bucket(days, serving.ages()) + 1] - coalesce(curve[width_bucket(days, serving.ages())], 0))
            * (days - coalesce((serving.ages())[width_bucket(days, serving.ages())], 0))
            / (
                (serving.ages())[width_bucket(days, serving.ages()) + 1]
                - coalesce((serving.ages())[width_bucket(days, serving.ages())], 0)
            )
    END;
COMMENT ON FUNCTION serving.at_age(double precision [], double precision) IS
'The value of a curve over serving.ages() at an age in days.';

-- The quantiles between two landmarks: each is drawn straight between its values at both. `remaining` is a row per landmark.
CREATE OR REPLACE FUNCTION serving.remaining_at(remaining double precision [], days double precision)
RETURNS double precision []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT array_agg(
        remaining[place.low][quantile] + place.share * (remaining[place.high][quantile] - remaining[place.low][quantile])
        ORDER BY quantile
    )
    FROM (
        SELECT
            bucket.low,
            least(bucket.low + 1, cardinality(serving.landmarks())) AS high,
            CASE
                WHEN bucket.low < cardinality(serving.landmarks())
                    THEN (greatest(days, 0) - (serving.landmarks())[bucket.low])
                        / ((serving.landmarks())[bucket.low + 1] - (serving.landmarks())[bucket.low])
                ELSE 0
            END AS share
        FROM (SELECT width_bucket(greatest(days, 0), serving.landmarks()) AS low) AS bucket
    ) AS place
    CROSS JOIN generate_series(1, cardinality(serving.remaining_levels())) AS quantile
$$;
COMMENT ON FUNCTION serving.remaining_at(double precision [], double precision) IS
'Days left to the door at serving.remaining_levels(), for a parcel that has been in its state for so many days.';

-- The days left by a curve of delivery time, for a parcel that is still open at an age. NULL where nearly all were delivered by then:
-- of those that take longer a curve knows nothing. One pass over the bins for all levels, for it is asked of every open parcel.
CREATE OR REPLACE FUNCTION serving.remaining_by_curve(
    curve double precision [], bounds double precision [], age double precision
) RETURNS double precision []
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    levels constant double precision [] := serving.remaining_levels();
    gone constant double precision := serving.delivered_by(curve, bounds, age);
    last constant integer := cardinality(curve);
    bin integer := 1;
    wanted double precision;
    share double precision;
    begins double precision;
    found double precision [] := '{}';
BEGIN
    IF gone > 0.999 THEN
        RETURN NULL;
    END IF;
    FOR place IN 1..cardinality(levels) LOOP
        wanted := least(gone + (1 - gone) * levels[place], curve[last]);
        WHILE curve[bin] < wanted LOOP
            bin := bin + 1;
        END LOOP;
        share := coalesce(curve[bin - 1], 0);
        begins := coalesce(bounds[bin - 1], 0);
        found := found || greatest(begins + (wanted - share) / (curve[bin] - share) * (bounds[bin] - begins) - age, 0);
    END LOOP;
    RETURN found;
END
$$;
COMMENT ON FUNCTION serving.remaining_by_curve(double precision [], double precision [], double precision) IS
'Days left to the door at serving.remaining_levels(), by a curve over bounds, for a parcel still open at an age in days.';

-- Milestones that say how a parcel fares, not where it is: the step goes on.
CREATE OR REPLACE FUNCTION serving.is_step(milestone text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN milestone NOT IN ('delayed', 'damaged', 'tracking_expired', 'appointment_set');
COMMENT ON FUNCTION serving.is_step(text) IS
'Whether a milestone begins a step of the journey; others (delayed, damaged, out of sight) befall a parcel within one.';

-- 1 to 7 for Monday to Sunday, 8 for a public holiday of the whole country, 9 for the first working day after one.
CREATE OR REPLACE FUNCTION serving.day_kind(country text, day date) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN bool_or(holiday.day = $2) THEN 8
        WHEN extract(ISODOW FROM $2) < 6 AND bool_or(extract(ISODOW FROM holiday.day) < 6) THEN 9
        ELSE extract(ISODOW FROM $2)::integer
    END
    FROM serving.holiday
    WHERE
        holiday.country = $1
        AND holiday.day BETWEEN $2 - CASE WHEN extract(ISODOW FROM $2) = 1 THEN 3 ELSE 1 END AND $2
$$;
COMMENT ON FUNCTION serving.day_kind(text, date) IS
'The kind of a day in serving.day_factor: 1 to 7 for Monday to Sunday, 8 a holiday, 9 the first working day after one.';

CREATE OR REPLACE FUNCTION serving.holds(episode serving.disruption, here serving.step_day) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN episode.step = here.step AND CASE episode.cell
    WHEN 'country' THEN episode.country = here.country
    WHEN 'region' THEN episode.region = here.region
    ELSE episode.origin_country = here.origin_country AND episode.destination_country = here.destination_country
END;
COMMENT ON FUNCTION serving.holds(serving.disruption, serving.step_day) IS
'Whether the cell of a disruption holds a row of serving.step_day, whatever the day.';

-- Days without a whole day of an open or ended episode behind them are told apart by is_disturbed, so that what is learned of
-- them can leave those out; days of ended episodes count in no cell. `since` NULL takes all.
CREATE OR REPLACE FUNCTION serving.cell_day(since date)
RETURNS TABLE (
    cell text,
    country text,
    region text,
    origin_country text,
    destination_country text,
    step text,
    day date,
    observed double precision,
    expected double precision,
    unsure double precision,
    is_disturbed boolean
)
LANGUAGE sql STABLE
AS $$
    WITH episode AS (
        SELECT
            step_day.step,
            step_day.day,
            step_day.country,
            step_day.region,
            step_day.origin_country,
            step_day.destination_country,
            bool_or(disruption.ended_on IS NOT NULL AND step_day.day < disruption.ended_on) AS is_past
        FROM serving.disruption
        INNER JOIN serving.step_day
            ON
                disruption.step = step_day.step
                AND step_day.day >= disruption.started_on
                AND step_day.day < coalesce(disruption.ended_on + 7, 'infinity')
                AND serving.holds(disruption, step_day)
        WHERE since IS NULL OR step_day.day >= since
        GROUP BY
            step_day.step,
            step_day.day,
            step_day.country,
            step_day.region,
            step_day.origin_country,
            step_day.destination_country
    ),

    fine AS (
        SELECT
            step_day.step,
            step_day.day,
            step_day.country,
            step_day.region,
            step_day.origin_country,
            step_day.destination_country,
            step_day.observed,
            step_day.expected * coalesce(day_factor.factor, 1) AS expected,
            step_day.expected * coalesce(day_factor.factor * day_factor.unsure, 1) AS unsure,
            episode.step IS NOT NULL AS is_disturbed
        FROM serving.step_day
        LEFT JOIN serving.day_factor
            ON
                step_day.step = day_factor.step
                AND step_day.country = day_factor.country
                AND step_day.day_kind = day_factor.day_kind
        LEFT JOIN episode
            ON
                step_day.step = episode.step
                AND step_day.day = episode.day
                AND step_day.country = episode.country
                AND step_day.region = episode.region
                AND step_day.origin_country = episode.origin_country
                AND step_day.destination_country = episode.destination_country
        WHERE (since IS NULL OR step_day.day >= since) AND NOT coalesce(episode.is_past, false)
    )

    SELECT
        'country',
        fine.country,
        '',
        '',
        '',
        fine.step,
        fine.day,
        sum(fine.observed)::double precision,
        sum(fine.expected),
        sum(fine.unsure),
        bool_or(fine.is_disturbed)
    FROM fine
    WHERE fine.country <> ''
    GROUP BY fine.country, fine.step, fine.day
    UNION ALL
    SELECT
        'region',
        fine.country,
        fine.region,
        '',
        '',
        fine.step,
        fine.day,
        sum(fine.observed)::double precision,
        sum(fine.expected),
        sum(fine.unsure),
        bool_or(fine.is_disturbed)
    FROM fine
    WHERE fine.region <> ''
    GROUP BY fine.country, fine.region, fine.step, fine.day
    UNION ALL
    SELECT
        'lane',
        '',
        '',
        fine.origin_country,
        fine.destination_country,
        fine.step,
        fine.day,
        sum(fine.observed)::double precision,
        sum(fine.expected),
        sum(fine.unsure),
        bool_or(fine.is_disturbed)
    FROM fine
    WHERE fine.origin_country <> '' AND fine.destination_country <> ''
    GROUP BY fine.origin_country, fine.destination_country, fine.step, fine.day
$$;
COMMENT ON FUNCTION serving.cell_day(date) IS
'Exits seen and expected (and the standard error of that) per cell (country, region, or lane), step and day; NULL for all days.';

-- Until when each shipment was looked at: a carrier's until its last answer, one that nobody is asked about until now. Grain: one
-- row per shipment.
CREATE OR REPLACE VIEW serving.seen_shipment AS
SELECT
    status.shipment_id,
    status.origin_country,
    status.origin_region,
    status.destination_country,
    status.destination_region,
    status.carrier,
    status.service,
    status.ordered_at,
    status.shipped_at,
    status.milestone,
    status.ended_at,
    status.milestone_at,
    CASE
        WHEN plan.shipment_id IS NULL THEN (SELECT ops.as_of())
        ELSE least(coalesce(plan.answered_at, plan.last_polled_at, status.ordered_at), (SELECT ops.as_of()))
    END AS seen_until
FROM serving.shipment_status AS status
LEFT JOIN ops.poll_plan AS plan ON status.shipment_id = plan.shipment_id;
