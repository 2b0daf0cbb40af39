-- The range to print beside "when will it arrive?". Runs as its owner, for readers may not see `serving`.
CREATE OR REPLACE FUNCTION mart.delivery_promise(
    origin text,
    destination text,
    carrier text,
    service text,
    starts_at timestamptz,
    confidence numeric,
    clock text DEFAULT 'order'
) RETURNS TABLE (earliest date, likely date, latest date, n bigint, basis text, coverage numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT
        answer.earliest,
        answer.likely,
        answer.latest,
        answer.n,
        answer.basis,
        answer.coverage
    INTO earliest, likely, latest, n, basis, coverage
    FROM serving.answer(origin, destination, carrier, service, starts_at, confidence, clock, false) AS answer;
    RETURN NEXT;
END
$$;
