-- Grain: one row per source and status code that no code table knew when it was seen.
CREATE OR REPLACE VIEW mart.unmapped_code AS
SELECT
    source,
    code,
    description,
    first_seen_at,
    last_seen_at,
    times_seen,
    mapped_at,
    greatest(last_seen_at, mapped_at) AS refreshed_at
FROM quality.unmapped_code;
