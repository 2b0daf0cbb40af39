-- Leaves to choose by: all of some destinations, in an order that means nothing, up to %(most)s spans of the last days; at least
-- one destination. Whole destinations, for how much a lane leans on others depends on how many parcels it has. Grain: one row per
-- leaf.
CREATE TEMP TABLE sampled_leaf ON COMMIT DROP AS
WITH destination AS (
    SELECT
        coalesce(leaf.destination_country, '') AS destination_country,
        count(*) AS spans
    FROM serving.journey_span AS span
    INNER JOIN serving.leaf_lane AS leaf ON span.leaf_id = leaf.leaf_id
    WHERE leaf.measure = %(measure)s AND span.started_at > %(since)s::timestamptz AND span.outcome <> 'ahead'
    GROUP BY coalesce(leaf.destination_country, '')
),

ordered AS (
    SELECT
        destination_country,
        sum(spans) OVER (ORDER BY md5(destination_country)) - spans AS before
    FROM destination
)

SELECT
    leaf.leaf_id,
    leaf.lanes
FROM serving.leaf_lane AS leaf
INNER JOIN ordered ON coalesce(leaf.destination_country, '') = ordered.destination_country
WHERE leaf.measure = %(measure)s AND (ordered.before = 0 OR ordered.before < %(most)s);

ANALYZE sampled_leaf
