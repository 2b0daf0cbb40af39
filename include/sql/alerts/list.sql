-- Grain: one row per alert: those that are open, or all; open and critical ones first, then the latest.
SELECT alert.* -- noqa: AM04
FROM mart.quality_alert AS alert
WHERE alert.is_open OR %(everything)s
ORDER BY NOT alert.is_open, alert.severity, alert.opened_at DESC, alert.alert_id
LIMIT %(most)s
