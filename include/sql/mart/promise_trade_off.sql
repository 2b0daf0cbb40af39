-- Which day to promise: what each costs in late days and gains by being early. docs/methods/promises.md has the model.

-- The share delivered by the ages at which a curve is known, with age 0, as promises read it: corrected by what matured promises
-- taught. Grain: one row per age.
CREATE OR REPLACE FUNCTION serving.promised_curve(
    curve double precision [], bounds double precision [], shift double precision, spread double precision
) RETURNS TABLE (age double precision, delivered double precision)
LANGUAGE sql IMMUTABLE ROWS 80
BEGIN ATOMIC
    SELECT
        0::double precision AS age,
        0::double precision AS delivered
    UNION ALL
    SELECT
        bounds[knot.bin] AS age,
        CASE
            WHEN curve[knot.bin] <= 0 THEN 0
            WHEN curve[knot.bin] >= 1 THEN 1
            ELSE 1 / (1 + exp(-(ln(curve[knot.bin] / (1 - curve[knot.bin])) - shift) / spread))
        END AS delivered
    FROM generate_subscripts(curve, 1) AS knot (bin);
END;
COMMENT ON FUNCTION serving.promised_curve(double precision [], double precision [], double precision, double precision) IS
'A curve of delivery as promises read it: the inverse of serving.read_level() on the shares, by age in days.';

CREATE OR REPLACE FUNCTION mart.promise_trade_off(
    origin text,
    destination text,
    carrier text,
    service text,
    late_day_cost numeric,
    earlier_day_value numeric,
    starts_at timestamptz DEFAULT NULL,
    clock text DEFAULT 'order'
) RETURNS TABLE (
    promised_days integer,
    promised_date date,
    p_late numeric,
    expected_days_late numeric,
    expected_value numeric,
    is_best boolean,
    optimum_days numeric,
    n bigint,
    basis text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 60 SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    answer record;
BEGIN
    IF late_day_cost IS NULL OR NOT (late_day_cost > 0 AND late_day_cost < 'infinity') THEN
        RAISE EXCEPTION 'late_day_cost % is not above 0', coalesce(late_day_cost::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give what one parcel''s day beyond the promise costs.';
    END IF;
    IF earlier_day_value IS NULL OR NOT (earlier_day_value >= 0 AND earlier_day_value < 'infinity') THEN
        RAISE EXCEPTION 'earlier_day_value % is below 0', coalesce(earlier_day_value::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give what promising one parcel a day earlier is worth.';
    END IF;
    SELECT * INTO answer FROM serving.answer(origin, destination, carrier, service, starts_at, 0.8, clock, false);
    IF answer.curve IS NULL THEN
        RETURN;
    END IF;

    RETURN QUERY
    WITH knot AS MATERIALIZED (
        SELECT
            point.age,
            1 - point.delivered AS open_then,
            lead(point.age) OVER by_age AS next_age,
            1 - lead(point.delivered) OVER by_age AS open_next
        FROM serving.promised_curve(
            answer.curve, serving.age_bounds(answer.measure), answer.shift, answer.spread
        ) AS point
        WINDOW by_age AS (ORDER BY point.age)
    ),

    -- Grain: one row per bin; the days that a parcel is expected to be open beyond its end.
    bin AS MATERIALIZED (
        SELECT
            knot.*,
            coalesce(sum((knot.next_age - knot.age) * (knot.open_then + knot.open_next) / 2) OVER (
                ORDER BY knot.age DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS beyond
        FROM knot
        WHERE knot.next_age IS NOT NULL
    ),

    -- Grain: one row per day that may be promised; the last is the first by which all have arrived.
    day AS (
        SELECT
            candidate.days,
            coalesce(held.open_then + (held.open_next - held.open_then) * held.passed, 0) AS late,
            coalesce(
                held.beyond
                + (held.next_age - candidate.days)
                * (held.open_then + (held.open_next - held.open_then) * held.passed + held.open_next) / 2,
                0
            ) AS days_late
        FROM generate_series(
            0, (SELECT ceil(min(bin.next_age))::integer FROM bin WHERE bin.open_next <= 0)
        ) AS candidate (days)
        LEFT JOIN LATERAL (
            SELECT
                bin.*,
                (candidate.days - bin.age) / (bin.next_age - bin.age) AS passed
            FROM bin
            WHERE bin.age <= candidate.days AND candidate.days < bin.next_age
        ) AS held ON true
    ),

    valued AS (
        SELECT
            day.*,
            -(earlier_day_value * day.days + late_day_cost * day.days_late::numeric) AS worth
        FROM day
    )

    SELECT
        valued.days,
        ((answer.starts + make_interval(days => valued.days)) AT TIME ZONE answer.zone)::date,
        valued.late::numeric,
        valued.days_late::numeric,
        valued.worth,
        row_number() OVER (ORDER BY valued.worth DESC, valued.days ASC) = 1,
        (
            SELECT min(CASE
                WHEN bin.open_then <= earlier_day_value / late_day_cost THEN bin.age
                ELSE bin.age + (bin.open_then - earlier_day_value / late_day_cost)
                    / (bin.open_then - bin.open_next) * (bin.next_age - bin.age)
            END)
            FROM bin
            WHERE bin.open_next <= earlier_day_value / late_day_cost
        )::numeric,
        answer.n,
        answer.basis
    FROM valued
    ORDER BY valued.days;
END
$$;
