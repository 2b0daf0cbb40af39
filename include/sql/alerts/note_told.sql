-- Grain: one row per alert and news of it that a channel has just told; the state told is the one that was read, not today's.
INSERT INTO quality.alert_notice (alert_id, channel, news, told_at)
SELECT
    told.alert_id,
    %(channel)s,
    news.name,
    ops.as_of()
FROM unnest(%(alert_ids)s::bigint [], %(resolved)s::boolean []) AS told (alert_id, is_resolved)
INNER JOIN (VALUES ('opened'), ('resolved')) AS news (name) ON news.name = 'opened' OR told.is_resolved
ON CONFLICT (alert_id, news, channel) DO NOTHING
