-- Grain: the day and the month in which calls were taken that were not made.
UPDATE ops.carrier_budget SET calls = greatest(calls - %(count)s, 0)
WHERE
    account = %(account)s
    AND ((period = 'day' AND starts_on = %(day)s) OR (period = 'month' AND starts_on = %(month)s));
