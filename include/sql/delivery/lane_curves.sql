-- The curves of one level's lanes, leaning on those of their parents: on both, or where these are not to be mixed, on the second. Grain: one row per lane and measure.
INSERT INTO lane_curve (
    lane_id, hazards, curve, points, p_never_delivered, p_never_delivered_expired_lost, effective_n, borrowed
)
SELECT
    lane.lane_id,
    found.hazards,
    found.curve,
    found.points,
    found.p_never_delivered,
    found.p_never_delivered_expired_lost,
    found.effective_n,
    found.borrowed
FROM serving.measured_lane AS lane
INNER JOIN lane_evidence ON lane.lane_id = lane_evidence.lane_id
INNER JOIN measure_bounds AS bounds ON lane.measure = bounds.measure
LEFT JOIN lane_curve AS parent ON lane.parent_id = parent.lane_id
LEFT JOIN lane_curve AS other_parent ON lane.other_parent_id = other_parent.lane_id
LEFT JOIN lane_curve AS ancestor ON lane.ancestor_id = ancestor.lane_id
CROSS JOIN LATERAL serving.life_table_curve(
    bounds.bounds_within,
    bounds.factors,
    %(kappa)s::double precision,
    lane_evidence.bins,
    lane_evidence.late,
    lane_evidence.delivered,
    lane_evidence.lost,
    lane_evidence.expired,
    lane_evidence.under_way,
    CASE WHEN %(mixed)s THEN parent.hazards ELSE coalesce(other_parent.hazards, parent.hazards) END,
    CASE WHEN %(mixed)s THEN other_parent.hazards END,
    CASE WHEN %(mixed)s THEN ancestor.hazards END
) AS found
WHERE lane.specificity = %(specificity)s
