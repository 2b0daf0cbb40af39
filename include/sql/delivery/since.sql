-- From when on the touched shipments have events, by the carriers' clocks: older partitions need not be looked into. A number that
-- no event was loaded of yet is given 400 days. Grain: one row.
SELECT
    (coalesce(
        min(coalesce(number.first_event_at, number.opened_at - interval '400 days', '-infinity')), '-infinity'
    ) AT TIME ZONE 'UTC' - interval '2 days')::text
FROM touched_shipment
LEFT JOIN core.shipment_number AS number ON touched_shipment.shipment_id = number.shipment_id
