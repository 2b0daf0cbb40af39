-- Grain: one row per source that the run asked or heard from, and the hour of the run: what it brought is added to what other
-- runs brought in that hour. Runs once per run, in the transaction that ends its load, before the plan is made anew.
--
-- Scans are those after the carrier's first, of parcels that had answered before: a parcel's first answer tells its past. Told
-- by age, with the hours that the answers span: so that neither how many parcels are followed nor how young they are, nor
-- how often they are asked, makes a volume.
INSERT INTO quality.feed_hour AS known (source, hour, received, loaded, unmapped, followed, scans, exposure_hours)
WITH heard AS (
    SELECT
        staged.source,
        count(*) AS received
    FROM {staged} AS staged
    GROUP BY staged.source
),

-- The run's own events, looked up by parcel: by event, that would cost a large pull as much as its merge.
told AS (
    SELECT DISTINCT
        staged.carrier,
        staged.tracking_number
    FROM {staged} AS staged
),

unmapped AS (
    SELECT DISTINCT
        staged.carrier,
        staged.tracking_number,
        staged.reported_at,
        staged.event_hash
    FROM {staged} AS staged
    WHERE NOT staged.is_mapped
),

fresh AS MATERIALIZED (
    SELECT
        event.source,
        event.shipment_id,
        event.occurred_at,
        event.reported_at,
        event.event_hash,
        number.carrier,
        number.tracking_number
    FROM told
    INNER JOIN core.shipment_number AS number
        ON told.carrier = number.carrier AND told.tracking_number = number.tracking_number
    INNER JOIN core.tracking_event AS event ON number.shipment_id = event.shipment_id
    WHERE
        event.run_number = %(run_number)s
        AND event.reported_at >= (SELECT min(staged.reported_at) FROM {staged} AS staged)
        AND event.reported_at <= (SELECT max(staged.reported_at) FROM {staged} AS staged)
),

new AS (
    SELECT
        fresh.source,
        count(*) AS loaded,
        count(unmapped.event_hash) AS unmapped
    FROM fresh
    LEFT JOIN unmapped
        ON
            fresh.carrier = unmapped.carrier
            AND fresh.tracking_number = unmapped.tracking_number
            AND fresh.reported_at = unmapped.reported_at
            AND fresh.event_hash = unmapped.event_hash
    GROUP BY fresh.source
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
),

-- Parcels that answered now and before, and that their carrier has had in its hands.
parcel AS MATERIALIZED (
    SELECT
        request.shipment_id,
        request.source,
        plan.answered_at AS since,
        least(%(as_of)s::timestamptz, number.finished_at) AS until,
        first_scan.occurred_at AS began_at
    FROM ops.poll_request AS request
    INNER JOIN ops.poll_plan AS plan ON request.shipment_id = plan.shipment_id
    INNER JOIN core.shipment_number AS number ON request.shipment_id = number.shipment_id
    CROSS JOIN LATERAL (
        SELECT min(event.occurred_at) AS occurred_at
        FROM core.tracking_event AS event
        WHERE
            event.shipment_id = request.shipment_id
            AND event.reported_at >= (number.first_event_at - interval '2 days')::timestamp
            AND event.withdrawn_at IS NULL
            AND event.source <> 'lanecast'
            AND NOT event.milestone = ANY(ARRAY['registered', 'info_received'])
    ) AS first_scan
    WHERE
        request.run_id = %(run_id)s
        AND request.outcome = 'answered'
        AND plan.answered_at IS NOT NULL
        AND first_scan.occurred_at IS NOT NULL
        -- what a stopped batch told was not loaded, and is asked for again
        AND NOT EXISTS (
            SELECT FROM quality.validation_result AS result
            WHERE result.run_id = %(run_id)s AND result.severity = 'batch' AND NOT result.passed
        )
),

age (place, from_days, until_days) AS (
    VALUES (1, 0, 1), (2, 1, 2), (3, 2, 3), (4, 3, 5), (5, 5, 8), (6, 8, 12), (7, 12, 20), (8, 20, 10000)
),

exposed AS (
    SELECT
        parcel.source,
        age.place,
        sum(extract(EPOCH FROM
            least(parcel.until, parcel.began_at + age.until_days * interval '1 day')
            - greatest(parcel.since, parcel.began_at + age.from_days * interval '1 day')
        ) / 3600) AS hours
    FROM parcel
    INNER JOIN age
        ON
            parcel.until > parcel.began_at + age.from_days * interval '1 day'
            AND parcel.since < parcel.began_at + age.until_days * interval '1 day'
    WHERE parcel.until > parcel.since
    GROUP BY parcel.source, age.place
),

scanned AS (
    SELECT
        parcel.source,
        age.place,
        count(*) AS scans
    FROM fresh
    INNER JOIN parcel ON fresh.shipment_id = parcel.shipment_id
    INNER JOIN age
        ON
            fresh.occurred_at >= parcel.began_at + age.from_days * interval '1 day'
            AND fresh.occurred_at < parcel.began_at + age.until_days * interval '1 day'
    WHERE
        fresh.occurred_at > parcel.began_at
        AND fresh.occurred_at <= parcel.until
        -- carriers may tell a scan late; what is older was left out, or is the past worded anew
        AND fresh.occurred_at > parcel.since - interval '1 day'
    GROUP BY parcel.source, age.place
),

by_age AS (
    SELECT
        asked.source,
        array_agg(coalesce(scanned.scans, 0) ORDER BY age.place) AS scans,
        array_agg(coalesce(exposed.hours, 0)::double precision ORDER BY age.place) AS hours
    FROM asked
    CROSS JOIN age
    LEFT JOIN scanned ON asked.source = scanned.source AND age.place = scanned.place
    LEFT JOIN exposed ON asked.source = exposed.source AND age.place = exposed.place
    GROUP BY asked.source
)

SELECT
    asked.source,
    date_trunc('hour', %(as_of)s::timestamptz, 'UTC') AS hour,
    coalesce(heard.received, 0) AS received,
    coalesce(new.loaded, 0) AS loaded,
    coalesce(new.unmapped, 0) AS unmapped,
    coalesce(followed.parcels, 0) AS followed,
    by_age.scans,
    by_age.hours
FROM asked
INNER JOIN by_age ON asked.source = by_age.source
LEFT JOIN heard ON asked.source = heard.source
LEFT JOIN new ON asked.source = new.source
LEFT JOIN followed ON asked.source = followed.source
ORDER BY asked.source
ON CONFLICT (source, hour) DO UPDATE SET
received = known.received + excluded.received,
loaded = known.loaded + excluded.loaded,
unmapped = known.unmapped + excluded.unmapped,
followed = excluded.followed,
noted_at = excluded.noted_at,
scans = (
    SELECT array_agg(coalesce(at_age.known, 0) + coalesce(at_age.added, 0) ORDER BY at_age.place)
    FROM unnest(known.scans, excluded.scans) WITH ORDINALITY AS at_age (known, added, place)
),
exposure_hours = (
    SELECT array_agg(coalesce(at_age.known, 0) + coalesce(at_age.added, 0) ORDER BY at_age.place)
    FROM unnest(known.exposure_hours, excluded.exposure_hours) WITH ORDINALITY AS at_age (known, added, place)
)
