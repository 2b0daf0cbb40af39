-- Grain: one row per piece that no shipment has yet, in the column order of shipment staging: with the order and the lane
-- of the number under which the carrier told of it.
SELECT
    row_number() OVER (ORDER BY piece.carrier, piece.tracking_number) AS staged_row,
    found.order_id,
    found.carrier,
    piece.tracking_number,
    found.service,
    found.origin_country,
    found.origin_region,
    found.destination_country,
    found.destination_region,
    found.ordered_at,
    found.shipped_at,
    NULL AS delivered_at,
    found.promised_at,
    NULL AS milestone,
    NULL AS attributes,
    NULL AS source_line,
    NULL AS unreadable
FROM unnest(%(carriers)s::text [], %(pieces)s::text [], %(found_under)s::text [])
    AS piece (carrier, tracking_number, found_under)
CROSS JOIN LATERAL (
    SELECT registered.* FROM core.shipment AS registered
    WHERE registered.carrier = piece.carrier AND registered.tracking_number = piece.found_under
    ORDER BY registered.epoch DESC
    LIMIT 1
) AS found
WHERE
    NOT EXISTS (
        SELECT FROM core.shipment_number AS known
        WHERE known.carrier = piece.carrier AND known.tracking_number = piece.tracking_number
    );
