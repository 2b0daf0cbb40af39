-- What one refresh works on: gone with its transaction.
-- Grain: one row per shipment whose change is consumed.
CREATE TEMP TABLE touched_shipment (shipment_id bigint PRIMARY KEY) ON COMMIT DROP;

-- Grain: one row per combination of places, carrier and service that a touched shipment had before or has now.
CREATE TEMP TABLE touched_lane (
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier text,
    service text
) ON COMMIT DROP;
