-- The day of mart.promise_trade_off() that is worth most.
CREATE OR REPLACE FUNCTION mart.best_promise_day(
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
    optimum_days numeric,
    n bigint,
    basis text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT
        best.promised_days,
        best.promised_date,
        best.p_late,
        best.expected_days_late,
        best.expected_value,
        best.optimum_days,
        best.n,
        best.basis
    FROM mart.promise_trade_off(
        origin, destination, carrier, service, late_day_cost, earlier_day_value, starts_at, clock
    ) AS best
    WHERE best.is_best;
END
$$;
