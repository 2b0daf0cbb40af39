-- Grain: one row per kind of shipment, with the keys of the lanes that it is in, the widest first; NULL where it is in none.
SELECT
    kind_id,
    ARRAY[
        serving.lane(NULL, NULL, NULL, NULL, NULL, NULL),
        CASE WHEN destination_country IS NOT NULL THEN serving.lane(NULL, NULL, destination_country, NULL, NULL, NULL) END,
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL
            THEN serving.lane(origin_country, NULL, destination_country, NULL, NULL, NULL) END,
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL AND carrier IS NOT NULL
            THEN serving.lane(origin_country, NULL, destination_country, NULL, carrier, NULL) END,
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL AND carrier IS NOT NULL AND service IS NOT NULL
            THEN serving.lane(origin_country, NULL, destination_country, NULL, carrier, service) END
    ] AS lanes
FROM kind
ORDER BY kind_id;
