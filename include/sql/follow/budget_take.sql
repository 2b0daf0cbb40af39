-- Grain: the next calls of one account, as many as are asked for and left: counted on the UTC day and in the month in
-- which the first of them starts. By the wall clock, for the carrier counts by it. Once budget_lock has the account's
-- row, a statement of its own, so that it sees what the worker before has committed.
WITH moment AS MATERIALIZED (
    SELECT
        now.moment,
        known.down_since,
        known.down_until,
        -- A turn that lies further ahead than any queue of workers does was set before the clock was set back.
        CASE
            WHEN known.next_call_at < now.moment + interval '1 second' * (60 + 64 / %(rate)s::double precision)
                THEN greatest(known.next_call_at, now.moment)
            ELSE now.moment
        END AS starts_at
    FROM ops.carrier_account AS known
    CROSS JOIN (SELECT clock_timestamp() AS moment) AS now
    WHERE known.account = %(account)s
),

turn AS MATERIALIZED (
    SELECT
        moment.*,
        (moment.starts_at AT TIME ZONE 'UTC')::date AS day,
        date_trunc('month', moment.starts_at AT TIME ZONE 'UTC')::date AS month,
        moment.down_until IS NOT NULL AND %(pause)s > 0 AND NOT %(is_probe)s
        AND moment.down_until > moment.moment
        AND moment.down_until <= moment.moment + interval '1 second' * %(pause)s AS is_down,
        moment.down_until IS NOT NULL AND %(pause)s > 0 AND NOT %(is_probe)s AS would_probe
    FROM moment
),

allowance AS MATERIALIZED (
    SELECT
        turn.*,
        %(per_day)s::bigint - coalesce(of_day.calls, 0) AS left_of_day,
        %(per_month)s::bigint - coalesce(of_month.calls, 0) AS left_of_month
    FROM turn
    LEFT JOIN ops.carrier_budget AS of_day
        ON of_day.account = %(account)s AND of_day.period = 'day' AND turn.day = of_day.starts_on
    LEFT JOIN ops.carrier_budget AS of_month
        ON of_month.account = %(account)s AND of_month.period = 'month' AND turn.month = of_month.starts_on
),

granted AS MATERIALIZED (
    SELECT
        allowance.*,
        CASE
            WHEN allowance.is_down THEN 0
            ELSE greatest(
                0,
                least(
                    CASE WHEN allowance.would_probe THEN 1 ELSE %(wanted)s END,
                    allowance.left_of_day,
                    allowance.left_of_month
                )
            )
        END AS calls
    FROM allowance
),

paced AS (
    UPDATE ops.carrier_account AS known SET
        next_call_at = granted.starts_at + interval '1 second' * (granted.calls / %(rate)s::double precision),
        down_until = CASE
            WHEN granted.would_probe THEN granted.moment + interval '1 second' * %(pause)s
            ELSE known.down_until
        END
    FROM granted
    WHERE known.account = %(account)s AND granted.calls > 0
),

counted AS (
    INSERT INTO ops.carrier_budget AS known (account, period, starts_on, calls, allowed)
    SELECT
        %(account)s,
        period.name,
        period.starts_on,
        granted.calls,
        period.allowed
    FROM granted
    CROSS JOIN LATERAL (
        VALUES ('day', granted.day, %(per_day)s::bigint), ('month', granted.month, %(per_month)s::bigint)
    ) AS period (name, starts_on, allowed)
    WHERE NOT granted.is_down
    ON CONFLICT (account, period, starts_on) DO UPDATE SET
        calls = known.calls + excluded.calls,
        allowed = excluded.allowed
)

SELECT
    calls,
    extract(EPOCH FROM starts_at - moment)::double precision AS wait_seconds,
    extract(EPOCH FROM ((day + 1)::timestamp AT TIME ZONE 'UTC') - moment)::double precision AS day_ends_in,
    day,
    month,
    down_since,
    extract(EPOCH FROM down_until - moment)::double precision AS down_for,
    is_down,
    would_probe AND calls > 0 AS is_probe,
    left_of_day <= 0 AS is_day_spent,
    left_of_month <= 0 AS is_month_spent
FROM granted;
