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

COMMENT ON VIEW mart.unmapped_code IS
'Status codes that no code table knew. Their events count as in_transit until the code is mapped. Grain: one row per '
'source and code.';
COMMENT ON COLUMN mart.unmapped_code.source IS 'Who told of it: a carrier or an aggregator.';
COMMENT ON COLUMN mart.unmapped_code.code IS
'The code as it was told; `text/` and the first words of its text where there is no code.';
COMMENT ON COLUMN mart.unmapped_code.description IS 'The text told with it when it was first seen.';
COMMENT ON COLUMN mart.unmapped_code.first_seen_at IS 'When it was first seen.';
COMMENT ON COLUMN mart.unmapped_code.last_seen_at IS 'When it was last seen unmapped.';
COMMENT ON COLUMN mart.unmapped_code.times_seen IS 'Events that had it while it was unmapped.';
COMMENT ON COLUMN mart.unmapped_code.mapped_at IS 'When a code table was found to know it; NULL while it is unknown.';
COMMENT ON COLUMN mart.unmapped_code.refreshed_at IS 'When the row last changed.';
