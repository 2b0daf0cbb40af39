-- Grain: one row per alert: those that are open, or all; open and critical ones first, then the latest.
SELECT
    alert.alert_id,
    alert.kind,
    alert.dataset,
    alert.rule,
    alert.subject,
    alert.severity,
    alert.message,
    alert.run_id,
    alert.is_open,
    alert.opened_at,
    alert.last_seen_at,
    alert.times_seen,
    alert.resolved_at
FROM mart.quality_alert AS alert
WHERE alert.is_open OR %(everything)s
ORDER BY NOT alert.is_open, alert.severity, alert.opened_at DESC, alert.alert_id
