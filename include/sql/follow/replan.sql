-- Says of every parcel that the run asked for when it is asked for next, and why. Part of the load's transaction: done once,
-- or not at all. A call is worth its price once the news that may be waiting has, on average, waited long enough: from the
-- hazard of news at each half hour ahead (the state's curve on its lane, times the hour of the local clock) follow the
-- chance that news is there, and, summed over the hours, the time that it has waited. The parcel is asked for when that
-- reaches its source's `patience`, in hours of waiting news a call.

-- Grain of the temporary table `asked`: one row per parcel that the run asked for: what is known of it now.
CREATE TEMPORARY TABLE asked ON COMMIT DROP AS
SELECT
    request.shipment_id,
    request.source,
    coalesce(request.outcome, 'failed') AS outcome,
    request.detail,
    known.finished_at,
    known.last_event_at,
    last_event.milestone,
    last_event.milestone = 'tracking_expired' AS is_given_up,
    ops.journey_state(
        last_event.milestone, last_event.country, shipment.origin_country, shipment.destination_country
    ) AS state,
    coalesce(last_event.occurred_at, shipment.shipped_at, shipment.ordered_at, known.opened_at) AS since,
    coalesce(last_event.utc_offset_minutes, 0) AS utc_offset_minutes,
    shipment.origin_country || '>' || shipment.destination_country AS lane,
    shipment.carrier || ' ' || shipment.service || ' ' || shipment.origin_country || '>' || shipment.destination_country
        AS service_lane,
    EXISTS (
        SELECT FROM core.tracking_event AS event
        WHERE
            event.shipment_id = request.shipment_id
            AND event.reported_at >= (known.first_event_at - interval '2 days')::timestamp
            AND event.run_number = %(run_number)s
    ) AS has_news,
    plan.polls_without_news
FROM ops.poll_request AS request
INNER JOIN ops.poll_plan AS plan ON request.shipment_id = plan.shipment_id
INNER JOIN core.shipment_number AS known ON request.shipment_id = known.shipment_id
INNER JOIN core.shipment AS shipment ON request.shipment_id = shipment.shipment_id
LEFT JOIN LATERAL (
    SELECT
        event.milestone,
        event.country,
        event.occurred_at,
        event.utc_offset_minutes
    FROM core.tracking_event AS event
    WHERE
        event.shipment_id = request.shipment_id
        AND event.reported_at >= (known.first_event_at - interval '2 days')::timestamp
        AND event.withdrawn_at IS NULL
        AND event.source <> 'lanecast'
    ORDER BY event.occurred_at DESC, event.milestone DESC
    LIMIT 1
) AS last_event ON true
WHERE request.run_id = %(run_id)s;

ANALYZE asked;

-- Grain of the temporary table `patient`: one row per source: how long news may wait before it is worth a call. Where what
-- is planned would need more calls a day than the account may make, news waits longer.
CREATE TEMPORARY TABLE patient ON COMMIT DROP AS
SELECT
    account.source,
    account.parcels_per_day,
    %(patience)s * power(greatest(coalesce(planned.parcels_per_day / account.parcels_per_day, 1), 1), 2) AS patience
FROM unnest(%(sources)s::text [], %(parcels_per_day)s::double precision []) AS account (source, parcels_per_day)
LEFT JOIN (
    SELECT
        source,
        -- As many as it would be at the patience of an account without end, for calls fall with its root.
        sum(
            86400 / greatest(extract(EPOCH FROM next_poll_at - last_polled_at), 900)
            * sqrt(coalesce(patience, %(patience)s) / %(patience)s)
        ) AS parcels_per_day
    FROM ops.poll_plan
    WHERE next_poll_at > last_polled_at
    GROUP BY source
) AS planned ON account.source = planned.source;

-- Grain of the temporary table `forecast`: one row per open parcel that was asked for: the pace of news now, what it is
-- taken from, and the hours until it is worth asking.
CREATE TEMPORARY TABLE forecast ON COMMIT DROP AS
WITH open AS (
    SELECT
        asked.shipment_id,
        asked.since,
        asked.utc_offset_minutes,
        coalesce(patient.patience, %(patience)s) AS patience,
        curve.scope,
        curve.news_per_hour,
        clock.factor
    FROM asked
    LEFT JOIN patient ON asked.source = patient.source
    LEFT JOIN LATERAL (
        SELECT
            news_curve.scope,
            news_curve.news_per_hour
        FROM ops.news_curve
        WHERE news_curve.state = asked.state AND news_curve.scope IN (asked.service_lane, asked.lane, 'all')
        ORDER BY news_curve.scope = 'all', news_curve.scope = asked.lane
        LIMIT 1
    ) AS curve ON true
    LEFT JOIN ops.news_clock AS clock ON asked.state = clock.state
    WHERE asked.finished_at IS NULL AND asked.outcome <> 'not_asked'
),

ahead AS (
    SELECT
        open.shipment_id,
        open.scope,
        open.patience,
        step.place,
        coalesce(
            open.news_per_hour[width_bucket(moment.age_hours, ops.age_bounds()) + 1]
            * coalesce(open.factor[moment.hour_place], 1),
            -- No journey like it has been seen: as if news came every other day at first, ever more slowly then.
            0.02 / greatest(moment.age_hours / 24, 1)
        ) AS news_per_hour
    FROM open
    CROSS JOIN generate_series(0, 2 * %(horizon_hours)s - 1) AS step (place)
    CROSS JOIN LATERAL (
        SELECT
            greatest(extract(EPOCH FROM clock.at - open.since) / 3600, 0)::double precision AS age_hours,
            (extract(HOUR FROM clock.local_at) + CASE WHEN extract(ISODOW FROM clock.local_at) >= 6 THEN 25 ELSE 1 END)::integer
                AS hour_place
        FROM (
            SELECT
                %(as_of)s + step.place * interval '30 minutes' AS at,
                (%(as_of)s + step.place * interval '30 minutes') AT TIME ZONE 'UTC'
                + open.utc_offset_minutes * interval '1 minute' AS local_at
        ) AS clock
    ) AS moment
),

chance AS (
    SELECT
        shipment_id,
        scope,
        patience,
        place,
        news_per_hour,
        1 - exp(-0.5 * sum(news_per_hour) OVER (PARTITION BY shipment_id ORDER BY place)) AS news_is_there
    FROM ahead
),

waiting AS (
    SELECT
        *,
        0.5 * sum(news_is_there) OVER (PARTITION BY shipment_id ORDER BY place) AS waited
    FROM chance
)

SELECT
    shipment_id,
    coalesce(scope, 'no journey like it yet') AS basis,
    max(news_per_hour) FILTER (WHERE place = 0) AS news_per_hour,
    least(
        coalesce(0.5 * (min(place) FILTER (WHERE waited >= patience) + 1), %(horizon_hours)s),
        %(longest_hours)s * sqrt(patience / %(patience)s)
    ) AS hours
FROM waiting
GROUP BY shipment_id, scope, patience;

ANALYZE forecast;

-- Grain: one row per parcel that the run asked for.
UPDATE ops.poll_plan AS plan SET
    last_polled_at = CASE WHEN asked.outcome = 'not_asked' THEN plan.last_polled_at ELSE %(as_of)s END,
    last_outcome = CASE WHEN asked.outcome = 'not_asked' THEN plan.last_outcome ELSE asked.outcome END,
    -- What a stopped batch told was not loaded: its source is asked for it again.
    answered_at = CASE
        WHEN
            asked.outcome = 'answered'
            AND NOT EXISTS (
                SELECT FROM quality.validation_result AS result
                WHERE result.run_id = %(run_id)s AND result.severity = 'batch' AND NOT result.passed
            )
            THEN %(as_of)s
        ELSE plan.answered_at
    END,
    polls = plan.polls + (asked.outcome <> 'not_asked')::integer,
    polls_without_news = CASE
        WHEN asked.has_news THEN 0
        WHEN asked.outcome = 'not_asked' THEN plan.polls_without_news
        ELSE plan.polls_without_news + 1
    END,
    state = asked.state,
    state_since = asked.since,
    news_per_hour = CASE WHEN asked.outcome = 'not_asked' THEN plan.news_per_hour ELSE forecast.news_per_hour END,
    basis = CASE WHEN asked.outcome = 'not_asked' THEN plan.basis ELSE forecast.basis END,
    patience = coalesce(patient.patience, %(patience)s),
    next_poll_at = CASE
        WHEN asked.outcome = 'not_asked' THEN plan.next_poll_at
        WHEN asked.finished_at IS NOT NULL AND asked.finished_at + %(grace)s > %(as_of)s
            THEN least(%(as_of)s + %(grace)s / 3, asked.finished_at + %(grace)s)
        WHEN asked.finished_at IS NOT NULL OR asked.is_given_up THEN NULL
        WHEN asked.outcome <> 'failed' AND asked.since + %(silence)s < %(as_of)s THEN NULL
        WHEN asked.outcome = 'failed'
            THEN
                %(as_of)s + CASE
                    WHEN plan.last_outcome = 'failed'
                        THEN least(
                            greatest((plan.next_poll_at - plan.last_polled_at) * 1.5, interval '1 hour'),
                            interval '1 day'
                        )
                    ELSE interval '1 hour'
                END
        -- Spread by a tenth, so that parcels asked for together do not stay together.
        ELSE %(as_of)s + forecast.hours * interval '1 hour' * (0.95 + (asked.shipment_id %% 101) / 1000.0)
    END,
    reason = CASE
        WHEN asked.outcome = 'not_asked'
            -- One that ended is still looked at for a while: see enlist.sql.
            THEN CASE WHEN plan.reason LIKE 'ended %%' THEN 'ended ' || asked.state || '; ' ELSE '' END
                || coalesce(asked.detail, 'not asked') || ': still due'
        WHEN asked.finished_at IS NOT NULL AND asked.finished_at + %(grace)s > %(as_of)s
            THEN 'ended ' || asked.state || ': looked at again for a while, for carriers take back what they told'
        WHEN asked.finished_at IS NOT NULL THEN 'finished'
        WHEN asked.is_given_up THEN 'its source has stopped tracking it'
        WHEN asked.outcome <> 'failed' AND asked.since + %(silence)s < %(as_of)s
            THEN 'tracking expired: silent since ' || to_char(asked.since, 'YYYY-MM-DD')
        WHEN asked.outcome = 'failed'
            THEN 'the last answer failed: ' || left(coalesce(asked.detail, 'no reason told'), 200)
        ELSE format(
            '%%s for %%s h: %%s pieces of news an hour expected (%%s), worth a call in %%s h',
            asked.state,
            round(extract(EPOCH FROM %(as_of)s - asked.since) / 3600, 1),
            round(forecast.news_per_hour::numeric, 4),
            forecast.basis,
            round(forecast.hours::numeric, 1)
        ) || CASE
            WHEN patient.patience > %(patience)s * 1.05
                THEN format('; slowed down to stay within %%s parcels a day', round(patient.parcels_per_day))
            ELSE ''
        END
    END
FROM asked
LEFT JOIN forecast ON asked.shipment_id = forecast.shipment_id
LEFT JOIN patient ON asked.source = patient.source
WHERE plan.shipment_id = asked.shipment_id;

-- Sight of a parcel ends, not its journey: an event of Lanecast's own says so. Taken back where the parcel is heard of again.
SELECT ops.ensure_event_partitions(min(%(as_of)s::timestamptz) AT TIME ZONE 'UTC', min(%(as_of)s::timestamptz) AT TIME ZONE 'UTC')
FROM asked
WHERE
    asked.finished_at IS NULL
    AND asked.outcome IN ('answered', 'not_found')
    AND asked.since + %(silence)s < %(as_of)s
HAVING count(*) > 0;

WITH expired AS (
    INSERT INTO core.tracking_event (
        shipment_id, reported_at, event_hash, source, code, description, occurred_at, utc_offset_minutes, tz_known,
        milestone, run_number, ingested_at
    )
    SELECT
        asked.shipment_id,
        date_trunc('minute', %(as_of)s::timestamptz AT TIME ZONE 'UTC'),
        0,
        'lanecast',
        'silent',
        'No news since ' || to_char(asked.since, 'YYYY-MM-DD') || ': no longer asked for',
        %(as_of)s,
        0,
        'utc',
        'tracking_expired',
        %(run_number)s,
        %(as_of)s
    FROM asked
    WHERE
        asked.finished_at IS NULL
        AND NOT coalesce(asked.is_given_up, false)
        AND asked.outcome IN ('answered', 'not_found')
        AND asked.since + %(silence)s < %(as_of)s
    ON CONFLICT DO NOTHING
    RETURNING shipment_id
),

heard AS (
    UPDATE core.tracking_event AS known SET withdrawn_at = %(as_of)s
    FROM asked
    WHERE
        known.shipment_id = asked.shipment_id
        AND known.source = 'lanecast'
        AND known.withdrawn_at IS NULL
        AND asked.has_news
    RETURNING known.shipment_id
)

INSERT INTO ops.shipment_change (shipment_id, run_id)
SELECT
    shipment_id,
    %(run_id)s
FROM expired
UNION
SELECT
    shipment_id,
    %(run_id)s
FROM heard;

DROP TABLE asked, patient, forecast;
