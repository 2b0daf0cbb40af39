-- Grain: one row per alert that the run raised, or that was open on one of its datasets as of it; open ones first.
SELECT alert.* -- noqa: AM04
FROM mart.quality_alert AS alert
WHERE
    alert.run_id = %(run)s
    OR (
        alert.dataset = ANY(%(datasets)s)
        AND alert.opened_at <= %(as_of)s
        AND coalesce(alert.resolved_at > %(as_of)s, true)
    )
ORDER BY NOT alert.is_open, alert.severity, alert.opened_at DESC, alert.alert_id
LIMIT %(most)s;
