-- Grain: one row per source that the run asked or heard from, and the hour of the run: what it brought is added to what other
-- runs brought in that hour. Runs once per run, in the transaction that ends its load.
INSERT INTO quality.feed_hour AS known (source, hour, received, loaded, unmapped, followed)
WITH heard AS (
    SELECT
        staged.source,
        count(*) AS received
    FROM {staged} AS staged
    GROUP BY staged.source
),

told AS (
    SELECT
        staged.carrier,
        staged.tracking_number,
        staged.reported_at,
        staged.event_hash,
        bool_and(staged.is_mapped) AS is_mapped
    FROM {staged} AS staged
    GROUP BY staged.carrier, staged.tracking_number, staged.reported_at, staged.event_hash
),

new AS (
    SELECT
        event.source,
        count(*) AS loaded,
        count(*) FILTER (WHERE NOT told.is_mapped) AS unmapped
    FROM told
    INNER JOIN core.shipment_number AS number
        ON told.carrier = number.carrier AND told.tracking_number = number.tracking_number
    INNER JOIN core.tracking_event AS event
        ON
            number.shipment_id = event.shipment_id
            AND told.reported_at = event.reported_at
            AND told.event_hash = event.event_hash
    WHERE event.run_number = %(run_number)s
    GROUP BY event.source
),

asked AS (
    SELECT source FROM ops.poll_request
    WHERE run_id = %(run_id)s
    UNION
    SELECT source FROM heard
    WHERE source IS NOT NULL
),

followed AS (
    SELECT
        source,
        count(*) AS parcels
    FROM ops.poll_plan
    WHERE next_poll_at IS NOT NULL
    GROUP BY source
)

SELECT
    asked.source,
    date_trunc('hour', %(as_of)s::timestamptz, 'UTC') AS hour,
    coalesce(heard.received, 0) AS received,
    coalesce(new.loaded, 0) AS loaded,
    coalesce(new.unmapped, 0) AS unmapped,
    coalesce(followed.parcels, 0) AS followed
FROM asked
LEFT JOIN heard ON asked.source = heard.source
LEFT JOIN new ON asked.source = new.source
LEFT JOIN followed ON asked.source = followed.source
ORDER BY asked.source
ON CONFLICT (source, hour) DO UPDATE SET
received = known.received + excluded.received,
loaded = known.loaded + excluded.loaded,
unmapped = known.unmapped + excluded.unmapped,
followed = excluded.followed
