-- Grain: one row per staged event that is made bad: one in a hundred, spread over all that the benchmark's rules look for.
UPDATE {staged} AS event SET
    tracking_number = CASE kind.number WHEN 0 THEN event.tracking_number || ' ' ELSE event.tracking_number END,
    carrier = CASE kind.number WHEN 1 THEN 'DHL' ELSE event.carrier END,
    code = CASE kind.number WHEN 2 THEN repeat('x', 201) ELSE event.code END,
    milestone = CASE kind.number
        WHEN 3 THEN 'shipped'
        WHEN 10 THEN 'delivered'
        WHEN 11 THEN 'out_for_delivery'
        WHEN 12 THEN 'picked_up'
        ELSE event.milestone
    END,
    utc_offset_minutes = CASE kind.number WHEN 4 THEN 1560 ELSE event.utc_offset_minutes END,
    country = CASE kind.number WHEN 5 THEN 'UK' ELSE event.country END,
    region = CASE kind.number WHEN 6 THEN 'Kentucky' ELSE event.region END,
    occurred_at = CASE kind.number
        WHEN 7 THEN timestamptz '1970-01-01 00:00:00+00'
        WHEN 8 THEN event.occurred_at + interval '18000 years'
        WHEN 9 THEN event.occurred_at - interval '40 days'
        ELSE event.occurred_at
    END
FROM (
    SELECT
        staged_row,
        abs(hashint8(staged_row)::bigint) / 100 % 13 AS number
    FROM {staged}
    WHERE abs(hashint8(staged_row)::bigint) % 100 = 0
) AS kind
WHERE event.staged_row = kind.staged_row;
