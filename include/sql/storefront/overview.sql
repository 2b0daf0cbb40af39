-- Grain: one row per source and stream that was ever read: how far, and what its last read brought.
SELECT
    reading.source,
    reading.stream,
    known.watermark,
    known.listed_at,
    reading.run_id,
    reading.began_at,
    reading.told,
    reading.fetched,
    reading.problem
FROM (
    SELECT DISTINCT ON (source, stream)
        source,
        stream,
        run_id,
        began_at,
        told,
        fetched,
        problem
    FROM ops.storefront_read
    ORDER BY source, stream, began_at DESC
) AS reading
LEFT JOIN ops.storefront_watermark AS known ON reading.source = known.source AND reading.stream = known.stream
ORDER BY reading.source, reading.stream;
