-- Grain of the temporary table: one row per kind of shipment and lane that it is in; the world is among them.
CREATE TEMPORARY TABLE kind_lane ON COMMIT DROP AS
SELECT
    kind.kind_id,
    lane.lane
FROM kind
CROSS JOIN LATERAL unnest(
    serving.lanes(kind.origin_country, NULL, kind.destination_country, NULL, kind.carrier, kind.service)
) AS lane (lane)
WHERE lane.lane IS NOT NULL
GROUP BY kind.kind_id, lane.lane;

ANALYZE kind_lane;
