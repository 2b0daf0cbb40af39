-- Grain: one row per source, stream and file: the version that this run has loaded.
INSERT INTO ops.storefront_file AS known (source, stream, path, version, run_id, loaded_at)
SELECT
    reading.source,
    reading.stream,
    file.key,
    file.value,
    reading.run_id,
    clock_timestamp()
FROM ops.storefront_read AS reading
CROSS JOIN LATERAL jsonb_each_text(reading.versions) AS file
WHERE
    reading.run_id = %(run_id)s
    AND reading.source = %(source)s
    AND reading.stream = %(stream)s
    AND reading.complete_at IS NOT NULL
ON CONFLICT (source, stream, path) DO UPDATE SET
version = excluded.version,
run_id = excluded.run_id,
loaded_at = excluded.loaded_at;
