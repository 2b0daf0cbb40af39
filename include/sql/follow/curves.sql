-- Makes the polling plan's curves anew from the journeys of the last half year: how soon news came out of each state of a
-- journey, and at which hours of the local clock. Shipments are taken from the newest back, at most %(most)s.
CREATE TEMPORARY TABLE sampled ON COMMIT DROP AS
SELECT
    number.shipment_id,
    shipment.origin_country,
    shipment.destination_country,
    coalesce(shipment.shipped_at, shipment.ordered_at, number.first_event_at) AS began_at,
    least(coalesce(plan.last_polled_at, number.last_event_at), %(as_of)s) AS seen_until,
    number.finished_at IS NOT NULL AS is_finished,
    shipment.origin_country || '>' || shipment.destination_country AS lane,
    shipment.carrier || ' ' || shipment.service || ' ' || shipment.origin_country || '>' || shipment.destination_country
        AS service_lane
FROM core.shipment_number AS number
INNER JOIN core.shipment AS shipment ON number.shipment_id = shipment.shipment_id
LEFT JOIN ops.poll_plan AS plan ON number.shipment_id = plan.shipment_id
WHERE number.last_event_at BETWEEN %(as_of)s - interval '200 days' AND %(as_of)s
ORDER BY number.last_event_at DESC
LIMIT %(most)s;

ANALYZE sampled;

-- Grain: one row per sojourn: a shipment in a state, until the next event or until it was last looked at. What the next
-- event is worth: 1 where it is news, else how often news follows within half a day of the state that it begins.
CREATE TEMPORARY TABLE sojourn ON COMMIT DROP AS
WITH seen AS (
    SELECT
        sampled.shipment_id,
        sampled.lane,
        sampled.service_lane,
        sampled.is_finished,
        sampled.seen_until,
        event.occurred_at,
        event.utc_offset_minutes,
        event.milestone,
        ops.is_news(event.milestone) AS is_news,
        ops.journey_state(event.milestone, event.country, sampled.origin_country, sampled.destination_country) AS state
    FROM sampled
    INNER JOIN core.tracking_event AS event ON sampled.shipment_id = event.shipment_id
    WHERE event.withdrawn_at IS NULL AND event.source <> 'lanecast'
),

following AS (
    SELECT
        *,
        lead(occurred_at) OVER journey AS next_at,
        lead(is_news) OVER journey AS next_is_news,
        lead(state) OVER journey AS next_state,
        min(CASE WHEN is_news THEN occurred_at END) OVER (
            PARTITION BY shipment_id ORDER BY occurred_at, milestone ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS news_at
    FROM seen
    WINDOW journey AS (PARTITION BY shipment_id ORDER BY occurred_at, milestone)
),

lead_of_state AS (
    SELECT
        state,
        avg((coalesce(news_at <= occurred_at + interval '12 hours', false))::integer) AS lead
    FROM following
    GROUP BY state
)

SELECT
    following.shipment_id,
    following.state,
    following.lane,
    following.service_lane,
    following.utc_offset_minutes,
    following.occurred_at AS from_at,
    coalesce(following.next_at, greatest(following.seen_until, following.occurred_at)) AS until_at,
    CASE
        WHEN following.next_at IS NULL THEN 0
        WHEN following.next_is_news THEN 1
        ELSE coalesce(%(lead_worth)s * lead_of_state.lead, 0)
    END::double precision AS worth
FROM following
LEFT JOIN lead_of_state ON following.next_state = lead_of_state.state
WHERE following.next_at IS NOT NULL OR NOT following.is_finished
UNION ALL
SELECT
    sampled.shipment_id,
    'registered',
    sampled.lane,
    sampled.service_lane,
    0,
    sampled.began_at,
    first_event.occurred_at,
    CASE WHEN first_event.is_news THEN 1 ELSE coalesce(%(lead_worth)s * lead_of_state.lead, 0) END
FROM sampled
INNER JOIN (
    SELECT DISTINCT ON (shipment_id) shipment_id, occurred_at, is_news, state
    FROM seen
    ORDER BY shipment_id, occurred_at, milestone
) AS first_event ON sampled.shipment_id = first_event.shipment_id
LEFT JOIN lead_of_state ON first_event.state = lead_of_state.state
WHERE sampled.began_at < first_event.occurred_at;

ANALYZE sojourn;

-- Grain of the temporary table `spell`: one row per state, scope and span of age, with the hours spent there and the news.
CREATE TEMPORARY TABLE spell ON COMMIT DROP AS
WITH scoped AS (
    SELECT
        sojourn.state,
        scope.scope,
        extract(EPOCH FROM sojourn.until_at - sojourn.from_at) / 3600 AS hours,
        sojourn.worth
    FROM sojourn
    CROSS JOIN LATERAL (VALUES ('all'), (sojourn.lane), (sojourn.service_lane)) AS scope (scope)
    WHERE scope.scope IS NOT NULL
),

span AS (
    SELECT
        bound.place::integer AS place,
        coalesce(lag(bound.ends_at) OVER (ORDER BY bound.place), 0) AS starts_at,
        bound.ends_at
    FROM unnest(ops.age_bounds() || 'infinity'::double precision) WITH ORDINALITY AS bound (ends_at, place)
)

SELECT
    scoped.state,
    scoped.scope,
    span.place,
    sum(least(scoped.hours, span.ends_at) - span.starts_at)::double precision AS exposure_hours,
    coalesce(sum(scoped.worth) FILTER (WHERE scoped.hours < span.ends_at), 0)::double precision AS news,
    count(*) AS sojourns
FROM scoped
INNER JOIN span ON scoped.hours >= span.starts_at
GROUP BY scoped.state, scoped.scope, span.place;

ANALYZE spell;

-- Grain: one row per state and scope. Each scope leans on the wider one: as if it had seen three pieces of news at that
-- one's pace; all of them on a pace that slows down as a state grows old.
DELETE FROM ops.news_curve;

INSERT INTO ops.news_curve (state, scope, exposure_hours, news, news_per_hour, sojourns)
WITH span AS (
    SELECT
        bound.place::integer AS place,
        0.02 / greatest(bound.ends_at / 24, 1) AS slow_pace
    FROM unnest(ops.age_bounds() || 2000::double precision) WITH ORDINALITY AS bound (ends_at, place)
),

paced AS (
    SELECT
        place.state,
        place.scope,
        span.place,
        coalesce(spell.exposure_hours, 0) AS exposure_hours,
        coalesce(spell.news, 0) AS news,
        coalesce(spell.sojourns, 0) AS sojourns,
        span.slow_pace
    FROM (SELECT DISTINCT spent.state, spent.scope FROM spell AS spent) AS place
    CROSS JOIN span
    LEFT JOIN spell ON place.state = spell.state AND place.scope = spell.scope AND span.place = spell.place
),

wide AS (
    SELECT
        *,
        (news + 1) / (exposure_hours + 1 / slow_pace) AS pace
    FROM paced
    WHERE scope = 'all'
),

leaning AS (
    SELECT
        paced.*,
        CASE
            WHEN paced.scope = 'all' THEN wide.pace
            ELSE (paced.news + 3) / (paced.exposure_hours + 3 / wide.pace)
        END AS pace
    FROM paced
    INNER JOIN wide ON paced.state = wide.state AND paced.place = wide.place
)

SELECT
    state,
    scope,
    array_agg(exposure_hours ORDER BY place),
    array_agg(news ORDER BY place),
    array_agg(pace ORDER BY place),
    max(sojourns)
FROM leaning
GROUP BY state, scope
HAVING scope = 'all' OR max(sojourns) >= %(least)s;

-- Grain: one row per state. At each hour of the local clock: the news that came, against what the curve of all lanes
-- expects of the hours spent there; leaning on no difference as if ten more pieces of news had come as expected.
DELETE FROM ops.news_clock;

INSERT INTO ops.news_clock (state, factor)
WITH hourly AS (
    SELECT
        sojourn.state,
        extract(HOUR FROM moment.local_at)::integer
        + CASE WHEN extract(ISODOW FROM moment.local_at) >= 6 THEN 25 ELSE 1 END AS place,
        sum(
            curve.news_per_hour[
                width_bucket(extract(EPOCH FROM hour.starts_at - sojourn.from_at) / 3600, ops.age_bounds()) + 1
            ]
            * extract(EPOCH FROM least(hour.starts_at + interval '1 hour', sojourn.until_at) - hour.starts_at) / 3600
        ) AS expected,
        sum(sojourn.worth) FILTER (WHERE hour.starts_at + interval '1 hour' > sojourn.until_at) AS news
    FROM (
        SELECT * FROM sojourn
        WHERE shipment_id IN (SELECT shipment_id FROM sampled ORDER BY shipment_id %% 1009, shipment_id LIMIT %(clocked)s)
    ) AS sojourn
    INNER JOIN ops.news_curve AS curve ON sojourn.state = curve.state AND curve.scope = 'all'
    CROSS JOIN LATERAL generate_series(
        sojourn.from_at, least(sojourn.until_at, sojourn.from_at + interval '20 days'), interval '1 hour'
    ) AS hour (starts_at)
    CROSS JOIN LATERAL (
        SELECT hour.starts_at AT TIME ZONE 'UTC' + sojourn.utc_offset_minutes * interval '1 minute' AS local_at
    ) AS moment
    GROUP BY sojourn.state, place
)

SELECT
    states.state,
    array_agg((coalesce(hourly.news, 0) + 10.0 / 48) / (coalesce(hourly.expected, 0) + 10.0 / 48) ORDER BY place.place)
FROM (SELECT DISTINCT told.state FROM hourly AS told) AS states
CROSS JOIN generate_series(1, 48) AS place (place)
LEFT JOIN hourly ON states.state = hourly.state AND place.place = hourly.place
GROUP BY states.state;

INSERT INTO ops.news_curve_state (made_at, shipments)
SELECT
    %(as_of)s,
    count(*)
FROM sampled
ON CONFLICT (only_row) DO UPDATE SET made_at = excluded.made_at, shipments = excluded.shipments;
