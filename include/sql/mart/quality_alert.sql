-- Grain: one row per alert: one cause, from when it was seen until it was gone.
CREATE OR REPLACE VIEW mart.quality_alert AS
SELECT
    alert.alert_id,
    alert.kind,
    alert.dataset,
    alert.rule,
    alert.subject,
    alert.severity,
    alert.message,
    alert.run_id,
    alert.resolved_at IS NULL AS is_open,
    alert.opened_at,
    alert.last_seen_at,
    alert.times_seen,
    alert.resolved_at,
    coalesce(alert.resolved_at, alert.last_seen_at) AS refreshed_at
FROM quality.alert;
