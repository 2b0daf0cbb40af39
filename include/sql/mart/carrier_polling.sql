-- Grain: one row per source (a carrier or an aggregator) that has been asked, or is to be asked. Calls and pauses go by the
-- wall clock, for carriers count by it; all else by ops.as_of().
CREATE OR REPLACE VIEW mart.carrier_polling AS
WITH planned AS (
    SELECT
        source,
        count(*) AS followed,
        count(*) FILTER (WHERE next_poll_at <= (SELECT ops.as_of())) AS due
    FROM ops.poll_plan
    WHERE next_poll_at IS NOT NULL
    GROUP BY source
),

asked AS (
    SELECT
        request.source,
        count(*) FILTER (WHERE request.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE request.outcome = 'not_found') AS not_found,
        count(*) FILTER (WHERE request.outcome = 'failed') AS failed,
        count(*) FILTER (WHERE request.outcome = 'not_asked') AS not_asked,
        max(run.as_of) FILTER (WHERE request.outcome IN ('answered', 'not_found')) AS last_answered_at,
        (
            array_agg(request.detail ORDER BY run.run_number DESC, request.shipment_id)
            FILTER (WHERE request.outcome IN ('failed', 'not_asked'))
        )[1] AS last_problem
    FROM ops.run
    INNER JOIN ops.poll_request AS request ON run.run_id = request.run_id
    WHERE
        run.kind = 'pull'
        AND run.as_of > (SELECT ops.as_of()) - interval '24 hours'
        AND run.as_of <= (SELECT ops.as_of())
    GROUP BY request.source
),

-- A source that was first asked of the sandbox, then with an account, has two: the one that was used last.
account AS (
    SELECT DISTINCT ON (carrier)
        carrier AS source,
        account,
        down_since,
        down_until
    FROM ops.carrier_account
    ORDER BY carrier, next_call_at DESC, account
),

known AS (
    SELECT source FROM planned
    UNION
    SELECT source FROM asked
    UNION
    SELECT source FROM account
),

moment AS (
    SELECT
        clock_timestamp() AS refreshed_at,
        (clock_timestamp() AT TIME ZONE 'UTC')::date AS day,
        date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date AS month
)

SELECT
    known.source,
    account.account,
    coalesce(planned.followed, 0) AS followed,
    coalesce(planned.due, 0) AS due,
    coalesce(asked.answered, 0) AS answered_24h,
    coalesce(asked.not_found, 0) AS not_found_24h,
    coalesce(asked.failed, 0) AS failed_24h,
    coalesce(asked.not_asked, 0) AS not_asked_24h,
    asked.last_answered_at,
    asked.last_problem,
    coalesce(of_day.calls, 0) AS calls_today,
    of_day.allowed AS allowed_today,
    coalesce(of_month.calls, 0) AS calls_this_month,
    of_month.allowed AS allowed_this_month,
    account.down_since,
    account.down_until,
    moment.refreshed_at
FROM known
CROSS JOIN moment
LEFT JOIN planned ON known.source = planned.source
LEFT JOIN asked ON known.source = asked.source
LEFT JOIN account ON known.source = account.source
LEFT JOIN ops.carrier_budget AS of_day
    ON account.account = of_day.account AND of_day.period = 'day' AND moment.day = of_day.starts_on
LEFT JOIN ops.carrier_budget AS of_month
    ON account.account = of_month.account AND of_month.period = 'month' AND moment.month = of_month.starts_on;
