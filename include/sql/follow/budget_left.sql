-- Grain: one row: the calls that one account has made in this UTC day and month, by the wall clock.
SELECT
    coalesce(sum(calls) FILTER (WHERE period = 'day'), 0)::bigint AS of_day,
    coalesce(sum(calls) FILTER (WHERE period = 'month'), 0)::bigint AS of_month
FROM ops.carrier_budget
WHERE
    account = %(account)s
    AND CASE period
        WHEN 'day' THEN starts_on = (clock_timestamp() AT TIME ZONE 'UTC')::date
        ELSE starts_on = date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date
    END;
