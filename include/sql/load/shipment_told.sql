-- Grain of the temporary table `told`: one row per shipment of the batch. Policy per column: the newest value that is
-- there; attributes are merged key by key.
CREATE TEMPORARY TABLE told ON COMMIT DROP AS
WITH placed AS (
    SELECT
        arriving.carrier AS carrier_or_unknown,
        arriving.number,
        arriving.epoch,
        arriving.starts_at,
        arriving.finished_at,
        count(*) OVER (PARTITION BY arriving.carrier, arriving.number, arriving.epoch) AS tellings,
        accepted.*
    FROM accepted
    INNER JOIN arriving ON accepted.staged_row = arriving.staged_row
),

merged_attributes AS (
    SELECT
        placed.carrier_or_unknown,
        placed.number,
        placed.epoch,
        jsonb_object_agg(pair.key, pair.value ORDER BY placed.staged_row) AS attributes
    FROM placed
    CROSS JOIN LATERAL jsonb_each(placed.attributes) AS pair
    WHERE placed.tellings > 1
    GROUP BY placed.carrier_or_unknown, placed.number, placed.epoch
),

merged AS (
    SELECT
        carrier_or_unknown,
        number,
        epoch,
        min(starts_at) AS starts_at,
        max(finished_at) AS finished_at,
        max(tracking_number) AS tracking_number,
        (array_agg(order_id ORDER BY staged_row DESC) FILTER (WHERE order_id IS NOT NULL))[1] AS order_id,
        (array_agg(service ORDER BY staged_row DESC) FILTER (WHERE service IS NOT NULL))[1] AS service,
        (array_agg(origin_country ORDER BY staged_row DESC) FILTER (WHERE origin_country IS NOT NULL))[1]
            AS origin_country,
        (array_agg(origin_region ORDER BY staged_row DESC) FILTER (WHERE origin_region IS NOT NULL))[1]
            AS origin_region,
        (array_agg(destination_country ORDER BY staged_row DESC) FILTER (WHERE destination_country IS NOT NULL))[1]
            AS destination_country,
        (array_agg(destination_region ORDER BY staged_row DESC) FILTER (WHERE destination_region IS NOT NULL))[1]
            AS destination_region,
        (array_agg(ordered_at ORDER BY staged_row DESC) FILTER (WHERE ordered_at IS NOT NULL))[1] AS ordered_at,
        (array_agg(shipped_at ORDER BY staged_row DESC) FILTER (WHERE shipped_at IS NOT NULL))[1] AS shipped_at,
        (array_agg(delivered_at ORDER BY staged_row DESC) FILTER (WHERE delivered_at IS NOT NULL))[1] AS delivered_at,
        (array_agg(promised_at ORDER BY staged_row DESC) FILTER (WHERE promised_at IS NOT NULL))[1] AS promised_at,
        (array_agg(milestone ORDER BY staged_row DESC) FILTER (WHERE milestone IS NOT NULL))[1] AS milestone
    FROM placed
    WHERE tellings > 1
    GROUP BY carrier_or_unknown, number, epoch
)

SELECT
    carrier_or_unknown AS carrier,
    number,
    epoch,
    starts_at,
    finished_at,
    tracking_number,
    order_id,
    service,
    origin_country,
    origin_region,
    destination_country,
    destination_region,
    ordered_at,
    shipped_at,
    delivered_at,
    promised_at,
    milestone,
    attributes
FROM placed
WHERE tellings = 1
UNION ALL
SELECT
    merged.*,
    merged_attributes.attributes
FROM merged
LEFT JOIN merged_attributes
    ON
        merged.carrier_or_unknown = merged_attributes.carrier_or_unknown
        AND merged.number = merged_attributes.number
        AND merged.epoch = merged_attributes.epoch;

ANALYZE told;
