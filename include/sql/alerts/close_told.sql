-- Grain: one row per alert of which every channel has told the opening, or the end: nobody has to be told again.
WITH told AS (
    SELECT
        alert_id,
        news
    FROM quality.alert_notice
    WHERE channel = ANY(%(channels)s::text [])
    GROUP BY alert_id, news
    HAVING count(*) = cardinality(%(channels)s::text [])
),

closed AS (
    UPDATE quality.alert SET
        told_opened_at = CASE
            WHEN EXISTS (SELECT FROM told WHERE told.alert_id = alert.alert_id AND told.news = 'opened')
                THEN coalesce(alert.told_opened_at, ops.as_of())
            ELSE alert.told_opened_at
        END,
        told_resolved_at = CASE
            WHEN EXISTS (SELECT FROM told WHERE told.alert_id = alert.alert_id AND told.news = 'resolved')
                THEN coalesce(alert.told_resolved_at, ops.as_of())
            ELSE alert.told_resolved_at
        END
    WHERE alert.alert_id IN (SELECT told.alert_id FROM told)
)

DELETE FROM quality.alert_notice
USING told
WHERE alert_notice.alert_id = told.alert_id AND alert_notice.news = told.news
