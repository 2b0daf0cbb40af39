-- Grain: one row per shipment, minute on the carrier's clock, and event hash. Of equal scans in the batch the last told
-- counts; one that is known already is changed only where it says something new. A row that no span holds has no shipment,
-- and stops the load rather than vanish. Returns the number of rows loaded.
WITH told AS (
    SELECT DISTINCT ON (span.shipment_id, accepted.reported_at, accepted.event_hash)
        span.shipment_id,
        accepted.reported_at,
        accepted.event_hash,
        accepted.source,
        accepted.code,
        accepted.description,
        accepted.occurred_at,
        accepted.utc_offset_minutes,
        accepted.tz_known,
        accepted.milestone,
        accepted.reason,
        accepted.country,
        accepted.region,
        accepted.city,
        accepted.raw_answer_id
    FROM accepted
    LEFT JOIN span
        ON
            accepted.carrier = span.carrier
            AND accepted.tracking_number = span.tracking_number
            AND accepted.occurred_at >= span.from_at
            AND accepted.occurred_at < span.until_at
    ORDER BY span.shipment_id, accepted.reported_at, accepted.event_hash, accepted.staged_row DESC
),

merged AS (
    INSERT INTO core.tracking_event AS known (
        shipment_id, reported_at, event_hash, source, code, description, occurred_at, utc_offset_minutes, tz_known,
        milestone, reason, country, region, city, raw_answer_id, run_number, ingested_at
    )
    SELECT
        shipment_id,
        reported_at,
        event_hash,
        source,
        code,
        description,
        occurred_at,
        utc_offset_minutes,
        tz_known,
        milestone,
        reason,
        country,
        region,
        city,
        raw_answer_id,
        %(run_number)s,
        %(as_of)s
    FROM told
    ON CONFLICT (shipment_id, reported_at, event_hash) DO UPDATE SET
    code = excluded.code,
    description = excluded.description,
    occurred_at = excluded.occurred_at,
    utc_offset_minutes = excluded.utc_offset_minutes,
    tz_known = excluded.tz_known,
    milestone = excluded.milestone,
    reason = excluded.reason,
    country = coalesce(excluded.country, known.country),
    region = coalesce(excluded.region, known.region),
    city = coalesce(excluded.city, known.city),
    raw_answer_id = coalesce(excluded.raw_answer_id, known.raw_answer_id),
    run_number = excluded.run_number,
    withdrawn_at = NULL
    WHERE
        known.withdrawn_at IS NOT NULL
        OR (
            known.description, known.occurred_at, known.tz_known, known.milestone, known.reason,
            known.country, known.region, known.city
        ) IS DISTINCT FROM (
            excluded.description, excluded.occurred_at, excluded.tz_known, excluded.milestone, excluded.reason,
            coalesce(excluded.country, known.country), coalesce(excluded.region, known.region),
            coalesce(excluded.city, known.city)
        )
    RETURNING shipment_id
),

changed AS (
    INSERT INTO ops.shipment_change (shipment_id, run_id)
    SELECT DISTINCT
        shipment_id,
        %(run_id)s
    FROM merged
)

SELECT count(*) FROM merged;
