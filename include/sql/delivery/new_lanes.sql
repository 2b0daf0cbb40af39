-- Notes the lanes of one level that hold a new leaf, and in the leaf that they do. Parents are of wider levels, which come
-- before. Grain: one row per lane and measure.
WITH held AS (
    SELECT
        leaf.leaf_id,
        serving.lane(
            own.origin_country, own.origin_region, own.destination_country, own.destination_region, own.carrier, own.service
        ) AS lane,
        own.*
    FROM serving.leaf_lane AS leaf
    CROSS JOIN LATERAL (SELECT {lane} leaf.measure) AS own
    WHERE cardinality(leaf.lanes) = 0 AND {known}
),

made AS (
    INSERT INTO serving.measured_lane (
        lane, measure, level, specificity,
        origin_country, origin_region, destination_country, destination_region, carrier, service,
        parent_id, other_parent_id, ancestor_id
    )
    SELECT DISTINCT
        held.lane,
        held.measure,
        %(level)s,
        %(specificity)s::smallint,
        held.origin_country,
        held.origin_region,
        held.destination_country,
        held.destination_region,
        held.carrier,
        held.service,
        parent.lane_id,
        other_parent.lane_id,
        ancestor.lane_id
    FROM held
    LEFT JOIN serving.measured_lane AS parent
        ON held.measure = parent.measure AND {parent} = parent.lane
    LEFT JOIN serving.measured_lane AS other_parent
        ON held.measure = other_parent.measure AND {other_parent} = other_parent.lane
    LEFT JOIN serving.measured_lane AS ancestor
        ON held.measure = ancestor.measure AND {ancestor} = ancestor.lane
    ON CONFLICT (lane, measure) DO NOTHING
    RETURNING lane_id, lane, measure
)

INSERT INTO leaf_in_lane (leaf_id, lane_id, specificity)
SELECT
    held.leaf_id,
    coalesce(made.lane_id, known.lane_id),
    %(specificity)s::smallint
FROM held
LEFT JOIN made ON held.lane = made.lane AND held.measure = made.measure
LEFT JOIN serving.measured_lane AS known ON held.lane = known.lane AND held.measure = known.measure
