-- The open shipments. Grain of the temporary table: one row per shipment.
CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS
SELECT
    shipment_id,
    origin_country,
    origin_region,
    destination_country,
    destination_region,
    carrier,
    service,
    ordered_at,
    shipped_at,
    milestone,
    milestone_at,
    reason,
    last_country,
    ended_at,
    refreshed_at,
    %(as_of)s AS seen_until
FROM serving.shipment_status
WHERE milestone NOT IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed');

ANALYZE chosen;
