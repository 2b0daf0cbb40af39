-- What one refresh works on: gone with its transaction.
-- Grain: one row per shipment whose change is consumed, or of which a time that lay ahead has come.
CREATE TEMP TABLE touched_shipment (shipment_id bigint PRIMARY KEY) ON COMMIT DROP;
