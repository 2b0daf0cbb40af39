-- The state of a journey as the polling plan sees it: the last milestone, and whether that was in the destination's
-- country, in the origin's, or neither is known. Without events: `registered`.
CREATE OR REPLACE FUNCTION ops.journey_state(
    milestone text, country text, origin_country text, destination_country text
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(milestone, 'registered') || CASE
        WHEN milestone IS NULL THEN ''
        WHEN country = destination_country THEN ' at the destination'
        WHEN country = origin_country THEN ' at the origin'
        ELSE ' between'
    END
$$;
COMMENT ON FUNCTION ops.journey_state(text, text, text, text) IS
'The state of a journey as the polling plan sees it: last milestone, and at which end it was.';
