-- How lanes are named and ranked: used by the refresh, the views and the promise alike. Bodies are of the kind that is
-- bound when it is made (RETURN): the views use them on behalf of readers, who may not look into `serving`.

-- The key of a lane: its six columns, absent ones empty.
CREATE OR REPLACE FUNCTION serving.lane(
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier text,
    service text
) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN coalesce(origin_country, '') || '|' || coalesce(origin_region, '') || '|'
        || coalesce(destination_country, '') || '|' || coalesce(destination_region, '') || '|'
        || coalesce(carrier, '') || '|' || coalesce(service, '');
COMMENT ON FUNCTION serving.lane(text, text, text, text, text, text) IS
'The key of a lane in serving.delivery_time: its six columns, absent ones empty.';

-- The keys of every lane that a parcel may borrow its delivery time from; lanes whose key it lacks are the parent's.
CREATE OR REPLACE FUNCTION serving.lanes(
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier text,
    service text
) RETURNS text []
LANGUAGE sql IMMUTABLE
RETURN ARRAY[
        serving.lane(NULL, NULL, NULL, NULL, NULL, NULL),
        serving.lane(NULL, NULL, destination_country, NULL, NULL, NULL),
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL THEN
            serving.lane(origin_country, NULL, destination_country, NULL, NULL, NULL) END,
        CASE WHEN destination_country IS NOT NULL AND destination_region IS NOT NULL THEN
            serving.lane(NULL, NULL, destination_country, destination_region, NULL, NULL) END,
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL AND carrier IS NOT NULL THEN
            serving.lane(origin_country, NULL, destination_country, NULL, carrier, NULL) END,
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL AND carrier IS NOT NULL THEN
            serving.lane(origin_country, NULL, destination_country, NULL, carrier, service) END,
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL
            AND destination_region IS NOT NULL AND origin_region IS NOT NULL THEN
            serving.lane(origin_country, origin_region, destination_country, destination_region, NULL, NULL) END,
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL
            AND destination_region IS NOT NULL AND origin_region IS NOT NULL AND carrier IS NOT NULL THEN
            serving.lane(origin_country, origin_region, destination_country, destination_region, carrier, NULL) END,
        CASE WHEN destination_country IS NOT NULL AND origin_country IS NOT NULL
            AND destination_region IS NOT NULL AND origin_region IS NOT NULL AND carrier IS NOT NULL THEN
            serving.lane(origin_country, origin_region, destination_country, destination_region, carrier, service) END
    ];
COMMENT ON FUNCTION serving.lanes(text, text, text, text, text, text) IS
'The keys of the lanes that hold a parcel, at every level; NULL where the parcel lacks what the level needs.';
