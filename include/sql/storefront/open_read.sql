-- Grain: one row per run, source and stream. The read of a stream begins where the last one ended, less an overlap; without a
-- watermark, and where everything is asked for, at the beginning. A retry finds what the first attempt has settled.
WITH known AS (
    SELECT
        watermark,
        listed_at
    FROM ops.storefront_watermark
    WHERE source = %(source)s AND stream = %(stream)s
),

opened AS (
    INSERT INTO ops.storefront_read AS reading (run_id, source, stream, since, is_full, began_at)
    SELECT
        %(run_id)s,
        %(source)s,
        %(stream)s,
        CASE WHEN NOT %(is_full)s THEN (SELECT watermark - %(overlap)s FROM known) END,
        %(is_full)s OR (SELECT watermark FROM known) IS NULL,
        clock_timestamp()
    ON CONFLICT (run_id, source, stream) DO UPDATE SET problem = NULL
    RETURNING since, is_full, told, complete_at
)

SELECT
    opened.since,
    opened.is_full,
    %(lists)s
    AND (opened.is_full OR coalesce((SELECT listed_at + %(lists_after)s <= %(as_of)s FROM known), true)) AS lists,
    opened.told,
    opened.complete_at IS NOT NULL AS is_complete
FROM opened;
