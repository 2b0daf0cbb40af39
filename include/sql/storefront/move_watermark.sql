-- Grain: one row per source and stream that this run has read whole and loaded. A watermark never goes back, and one that
-- nothing was told of stays: what is read again is known.
INSERT INTO ops.storefront_watermark AS known (source, stream, watermark, listed_at, run_id, moved_at)
SELECT
    source,
    stream,
    read_to,
    CASE WHEN listed THEN %(as_of)s::timestamptz END,
    run_id,
    clock_timestamp()
FROM ops.storefront_read
WHERE run_id = %(run_id)s AND source = %(source)s AND stream = %(stream)s AND complete_at IS NOT NULL
ON CONFLICT (source, stream) DO UPDATE SET
watermark = greatest(excluded.watermark, known.watermark),
listed_at = greatest(excluded.listed_at, known.listed_at),
run_id = excluded.run_id,
moved_at = excluded.moved_at;
