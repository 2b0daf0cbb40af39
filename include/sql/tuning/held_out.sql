-- What happened in a week to parcels that had begun, by age bins entered in it, as is known now: how many were there, were delivered
-- in the bin, ended otherwise in it. Grain: one row per leaf and age bin.
CREATE TEMP TABLE held_out ON COMMIT DROP AS
SELECT
    span.leaf_id,
    place.bin::smallint AS bin,
    count(*) AS n,
    count(*) FILTER (WHERE ended.bin = place.bin AND span.outcome = 'delivered') AS delivered,
    count(*) FILTER (WHERE ended.bin = place.bin AND span.outcome = 'lost') AS lost
FROM serving.journey_span AS span
INNER JOIN sampled_leaf ON span.leaf_id = sampled_leaf.leaf_id
INNER JOIN measure_bounds AS bounds ON bounds.measure = %(measure)s
CROSS JOIN LATERAL (
    SELECT
        serving.age_bin(
            bounds.bounds, coalesce(span.ended_at, %(now)s::timestamptz) - span.started_at
        ) AS bin,
        (extract(EPOCH FROM %(week)s::timestamptz - span.started_at) / 86400)::double precision AS age,
        (extract(EPOCH FROM span.entered_at - span.started_at) / 86400)::double precision AS entry_age
) AS ended
CROSS JOIN LATERAL generate_series(
    greatest(width_bucket(ended.age, bounds.bounds), 1), least(ended.bin, bounds.last_bin)
) AS place (bin)
CROSS JOIN LATERAL (SELECT coalesce(bounds.bounds[place.bin - 1], 0) AS begins) AS cell
WHERE
    span.started_at > %(since)s::timestamptz
    AND span.started_at < %(week)s::timestamptz + interval '7 days'
    AND span.outcome <> 'ahead'
    AND cell.begins >= ended.age
    AND cell.begins < ended.age + 7
    AND cell.begins >= ended.entry_age
    -- who is still in the bin, or went out of sight in it, has not shown how it ends
    AND (ended.bin > place.bin OR span.outcome IN ('delivered', 'lost'))
GROUP BY span.leaf_id, place.bin;

ANALYZE held_out
