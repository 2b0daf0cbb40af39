-- Grain: one row per status code that is unknown still, the most frequent first.
SELECT unmapped.* -- noqa: AM04
FROM mart.unmapped_code AS unmapped
WHERE unmapped.mapped_at IS NULL
ORDER BY unmapped.times_seen DESC, unmapped.last_seen_at DESC, unmapped.source, unmapped.code
LIMIT %(most)s;
