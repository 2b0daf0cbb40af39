-- Grain: one row per status code that was unknown and is mapped by now, the latest first.
SELECT unmapped.* -- noqa: AM04
FROM mart.unmapped_code AS unmapped
WHERE unmapped.mapped_at IS NOT NULL
ORDER BY unmapped.mapped_at DESC, unmapped.source, unmapped.code
LIMIT %(most)s;
