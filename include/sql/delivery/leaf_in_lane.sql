-- Which lanes hold the new leaves. Grain: one row per leaf and lane.
CREATE TEMP TABLE leaf_in_lane (leaf_id integer, lane_id integer, specificity smallint) ON COMMIT DROP
