-- Grain: one row per carrier asked in these runs.
SELECT
    carrier,
    count(*) AS parcels,
    count(*) FILTER (WHERE outcome = 'answered') AS answered,
    count(*) FILTER (WHERE outcome = 'not_found') AS not_found,
    count(*) FILTER (WHERE outcome = 'failed') AS failed
FROM ops.poll_request
WHERE run_id = ANY(%(runs)s)
GROUP BY carrier
ORDER BY carrier;
