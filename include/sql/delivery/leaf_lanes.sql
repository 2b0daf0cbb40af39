-- Notes in new leaves the lanes that hold them, widest first. Grain: one row per leaf.
UPDATE serving.leaf_lane AS leaf SET lanes = held.lanes
FROM (
    SELECT
        leaf_in_lane.leaf_id,
        array_agg(leaf_in_lane.lane_id ORDER BY leaf_in_lane.specificity) AS lanes
    FROM leaf_in_lane
    GROUP BY leaf_in_lane.leaf_id
) AS held
WHERE leaf.leaf_id = held.leaf_id
