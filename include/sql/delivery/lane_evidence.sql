-- The same by lane, at every level. Grain of the temporary table `lane_evidence`: one row per lane and measure with evidence;
-- its arrays hold one entry per age bin with any, in order.
CREATE TEMP TABLE lane_evidence ON COMMIT DROP AS
WITH summed AS (
    SELECT
        held.lane_id,
        evidence.bin,
        sum(evidence.late) AS late,
        sum(evidence.delivered) AS delivered,
        sum(evidence.lost) AS lost,
        sum(evidence.expired) AS expired,
        sum(evidence.under_way) AS under_way
    FROM evidence
    INNER JOIN serving.leaf_lane AS leaf ON evidence.leaf_id = leaf.leaf_id
    CROSS JOIN LATERAL unnest(leaf.lanes) AS held (lane_id)
    GROUP BY held.lane_id, evidence.bin
)

SELECT
    summed.lane_id,
    array_agg(summed.bin ORDER BY summed.bin) AS bins,
    array_agg(summed.late ORDER BY summed.bin) AS late,
    array_agg(summed.delivered ORDER BY summed.bin) AS delivered,
    array_agg(summed.lost ORDER BY summed.bin) AS lost,
    array_agg(summed.expired ORDER BY summed.bin) AS expired,
    array_agg(summed.under_way ORDER BY summed.bin) AS under_way
FROM summed
GROUP BY summed.lane_id;

ANALYZE lane_evidence
