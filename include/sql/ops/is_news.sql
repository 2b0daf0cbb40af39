-- Whether a milestone is news that somebody waits for: delivered or ready to be collected, something gone wrong, or
-- customs. The polling plan spends its calls where these are likely.
CREATE OR REPLACE FUNCTION ops.is_news(milestone text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT milestone IN (
        'export_customs_started', 'export_cleared', 'import_customs_started', 'customs_hold', 'import_cleared',
        'available_for_pickup', 'failed_attempt', 'delivered', 'delayed', 'damaged', 'lost', 'returning', 'returned',
        'destroyed'
    )
$$;
COMMENT ON FUNCTION ops.is_news(text) IS
'Whether a milestone is news that somebody waits for: delivery, something gone wrong, or customs.';
