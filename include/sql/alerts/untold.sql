-- Grain: one row per alert of which this channel has news to tell, critical ones first.
SELECT
    alert.alert_id,
    alert.kind,
    alert.dataset,
    alert.rule,
    alert.subject,
    alert.severity,
    alert.message,
    alert.run_id,
    alert.opened_at,
    alert.resolved_at,
    alert.times_seen
FROM quality.alert
LEFT JOIN quality.alert_notice AS opened
    ON alert.alert_id = opened.alert_id AND opened.news = 'opened' AND opened.channel = %(channel)s
LEFT JOIN quality.alert_notice AS resolved
    ON alert.alert_id = resolved.alert_id AND resolved.news = 'resolved' AND resolved.channel = %(channel)s
WHERE
    (alert.told_opened_at IS NULL AND opened.alert_id IS NULL)
    OR (alert.resolved_at IS NOT NULL AND alert.told_resolved_at IS NULL AND resolved.alert_id IS NULL)
ORDER BY alert.resolved_at IS NOT NULL, alert.severity, alert.opened_at, alert.alert_id
