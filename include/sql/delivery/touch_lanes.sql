-- Notes the lanes of the touched shipments as their status now says; run before and after the statuses are written, so
-- that a shipment that changes lane touches both. Grain: one row per combination.
INSERT INTO touched_lane (
    origin_country, origin_region, destination_country, destination_region, carrier, service
)
SELECT DISTINCT
    status.origin_country,
    status.origin_region,
    status.destination_country,
    status.destination_region,
    status.carrier,
    status.service
FROM touched_shipment
INNER JOIN serving.shipment_status AS status ON touched_shipment.shipment_id = status.shipment_id
