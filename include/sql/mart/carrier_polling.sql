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

COMMENT ON VIEW mart.carrier_polling IS
'How carriers are asked, and how they answer. Grain: one row per source, a carrier or an aggregator. A poll is one '
'parcel asked for once; a call is one request, which may ask for many parcels (tokens and retries count).';
COMMENT ON COLUMN mart.carrier_polling.source IS 'Who is asked: a carrier or an aggregator.';
COMMENT ON COLUMN mart.carrier_polling.account IS
'As whom it was asked last: the name of a connection, or `sandbox:` and the source; NULL before the first call.';
COMMENT ON COLUMN mart.carrier_polling.followed IS 'Parcels that it is going to be asked for.';
COMMENT ON COLUMN mart.carrier_polling.due IS 'Of these, the ones that it is to be asked for by now.';
COMMENT ON COLUMN mart.carrier_polling.answered_24h IS 'Polls of the last 24 hours that were answered.';
COMMENT ON COLUMN mart.carrier_polling.not_found_24h IS
'Polls of the last 24 hours for parcels that it did not know (yet).';
COMMENT ON COLUMN mart.carrier_polling.failed_24h IS
'Polls of the last 24 hours whose answer failed or could not be read.';
COMMENT ON COLUMN mart.carrier_polling.not_asked_24h IS
'Polls of the last 24 hours that were due and not made, its calls being spent or it being down.';
COMMENT ON COLUMN mart.carrier_polling.last_answered_at IS
'The last pull in which it answered; NULL where there was none in the last 24 hours.';
COMMENT ON COLUMN mart.carrier_polling.last_problem IS
'Why a poll of the last 24 hours failed or was not made, the latest; NULL where there was none.';
COMMENT ON COLUMN mart.carrier_polling.calls_today IS 'Calls of this UTC day.';
COMMENT ON COLUMN mart.carrier_polling.allowed_today IS
'Calls allowed in this UTC day; NULL where nothing limits them, or before the first call of the day.';
COMMENT ON COLUMN mart.carrier_polling.calls_this_month IS 'Calls of this UTC month.';
COMMENT ON COLUMN mart.carrier_polling.allowed_this_month IS
'Calls allowed in this UTC month; NULL where nothing limits them, or before the first call of the month.';
COMMENT ON COLUMN mart.carrier_polling.down_since IS 'Since when it has counted as down; NULL where it has not.';
COMMENT ON COLUMN mart.carrier_polling.down_until IS 'When it is asked again, if it counts as down.';
COMMENT ON COLUMN mart.carrier_polling.refreshed_at IS 'When the row was computed: now.';
