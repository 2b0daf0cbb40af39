-- How likely the curves held the week: the log-likelihood of its cells, by the narrowest lane of each that has a curve.
-- Grain: one row.
SELECT
    coalesce(sum(
        held_out.delivered * ln(greatest(curve.hazards[held_out.bin], 1e-6))
        + held_out.lost * ln(greatest(curve.hazards[bounds.last_bin + held_out.bin], 1e-6))
        + (held_out.n - held_out.delivered - held_out.lost)
        * ln(greatest(1 - curve.hazards[held_out.bin] - curve.hazards[bounds.last_bin + held_out.bin], 1e-6))
    ), 0) AS log_likelihood,
    coalesce(sum(held_out.n), 0)::bigint AS cells,
    coalesce(sum(held_out.delivered), 0)::bigint AS delivered
FROM held_out
INNER JOIN sampled_leaf ON held_out.leaf_id = sampled_leaf.leaf_id
INNER JOIN measure_bounds AS bounds ON bounds.measure = %(measure)s
CROSS JOIN LATERAL (
    SELECT lane_curve.hazards
    FROM unnest(sampled_leaf.lanes) WITH ORDINALITY AS held (lane_id, place)
    INNER JOIN lane_curve ON held.lane_id = lane_curve.lane_id
    ORDER BY held.place DESC
    LIMIT 1
) AS curve
