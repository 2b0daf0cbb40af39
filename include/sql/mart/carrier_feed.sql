-- Grain: one row per source of tracking events that pulls have asked.
--
-- Volumes are of 24 whole hours that end with the last hour that brought news: a silence is told as such, not as a small
-- volume as well. They are the scans of parcels already under way, held against what as many parcels of the same ages
-- usually have: many new parcels, or old ones that are only now asked for, make no volume. Of these ratios, the windows that
-- end 7, 14, 21 and 28 days earlier tell what is usual, so that a Sunday is held against Sundays. How far volumes usually
-- lie from that is taken from all windows of the 28 days. Windows without news, and those for which pulls stood still (or
-- that make good for such), teach nothing.
CREATE OR REPLACE VIEW mart.carrier_feed AS
WITH moment AS (
    SELECT
        ops.as_of() AS as_of,
        date_trunc('hour', ops.as_of(), 'UTC') AS this_hour
),

-- What was known at the moment, of the last five weeks.
recent AS (
    SELECT feed_hour.*
    FROM quality.feed_hour
    CROSS JOIN moment
    WHERE feed_hour.hour <= moment.as_of AND feed_hour.hour > moment.as_of - interval '35 days'
),

known AS (
    SELECT
        feed_hour.source,
        min(feed_hour.hour) AS since,
        max(feed_hour.hour) FILTER (WHERE feed_hour.received > 0) AS last_received_at,
        max(feed_hour.hour) FILTER (WHERE feed_hour.loaded > 0) AS last_loaded_at
    FROM quality.feed_hour
    CROSS JOIN moment
    WHERE feed_hour.hour <= moment.as_of
    GROUP BY feed_hour.source
),

source AS (
    SELECT
        known.*,
        moment.as_of,
        least(moment.this_hour, known.last_loaded_at + interval '1 hour') AS ends_at,
        extract(EPOCH FROM moment.as_of - known.since) / 86400 AS history_days
    FROM known
    CROSS JOIN moment
),

followed AS (
    SELECT
        source,
        count(*) AS parcels
    FROM ops.poll_plan
    WHERE next_poll_at IS NOT NULL
    GROUP BY source
),

gap AS (
    SELECT
        source,
        hour,
        extract(EPOCH FROM hour - lag(hour) OVER (PARTITION BY source ORDER BY hour)) / 3600 AS hours
    FROM recent
    WHERE loaded > 0
),

-- The second longest: one outage does not teach that outages are usual, while a weekend comes more than once.
silence AS (
    SELECT
        source,
        (array_agg(hours ORDER BY hours DESC))[2] AS usual_hours
    FROM gap
    WHERE hours IS NOT NULL
    GROUP BY source
),

hour_asked AS (
    SELECT DISTINCT hour FROM recent
),

-- What the silence kept back, had it gone as in the same hours of one of the four weeks before it.
week AS (
    SELECT
        source.source,
        weeks.ago,
        coalesce(sum(feed_hour.loaded), 0) AS loaded,
        avg(feed_hour.followed) AS followed
    FROM source
    CROSS JOIN generate_series(1, 4) AS weeks (ago)
    LEFT JOIN quality.feed_hour
        ON
            source.source = feed_hour.source
            AND feed_hour.hour > source.last_loaded_at - weeks.ago * interval '7 days'
            AND feed_hour.hour <= source.as_of - weeks.ago * interval '7 days'
            -- hours in which nobody was asked blame no source
            AND EXISTS (
                SELECT FROM hour_asked
                WHERE hour_asked.hour = feed_hour.hour + weeks.ago * interval '7 days'
            )
    WHERE source.last_loaded_at - weeks.ago * interval '7 days' >= source.since
    GROUP BY source.source, weeks.ago
),

meanwhile AS (
    SELECT
        week.source,
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY coalesce(week.loaded * followed.parcels / nullif(week.followed, 0), 0)
        ) AS events
    FROM week
    INNER JOIN followed ON week.source = followed.source
    GROUP BY week.source
    HAVING count(*) >= 2
),

-- Hours in which anybody was asked, by window: 0 is the last 24 hours, 1 the day before it.
asked AS (
    SELECT
        source.source,
        floor(extract(EPOCH FROM source.ends_at - hour_asked.hour - interval '1 hour') / 86400)::integer AS days_ago,
        count(*) AS hours
    FROM source
    INNER JOIN hour_asked ON source.ends_at > hour_asked.hour
    GROUP BY source.source, days_ago
),

volume AS (
    SELECT
        source.source,
        floor(extract(EPOCH FROM source.ends_at - recent.hour - interval '1 hour') / 86400)::integer AS days_ago,
        sum(recent.received)::bigint AS received,
        sum(recent.loaded)::bigint AS loaded,
        sum(recent.unmapped)::bigint AS unmapped
    FROM source
    INNER JOIN recent ON source.source = recent.source AND source.ends_at > recent.hour
    GROUP BY source.source, days_ago
),

-- Scans and hours by the parcels' age, of each window.
scanned AS (
    SELECT
        source.source,
        floor(extract(EPOCH FROM source.ends_at - recent.hour - interval '1 hour') / 86400)::integer AS days_ago,
        at_age.place,
        sum(at_age.scans) AS scans,
        sum(at_age.hours) AS hours
    FROM source
    INNER JOIN recent ON source.source = recent.source AND source.ends_at > recent.hour
    CROSS JOIN LATERAL
        unnest(recent.scans, recent.exposure_hours) WITH ORDINALITY AS at_age (scans, hours, place)
    GROUP BY source.source, days_ago, at_age.place
),

-- Ages of which too few scans are known are left out everywhere.
pace AS (
    SELECT
        source,
        place,
        sum(scans)::double precision / sum(hours) AS scans_per_hour
    FROM scanned
    WHERE days_ago BETWEEN 1 AND 28
    GROUP BY source, place
    HAVING sum(scans) >= 30 AND sum(hours) > 0
),

scans AS (
    SELECT
        scanned.source,
        scanned.days_ago,
        sum(scanned.scans)::bigint AS scans,
        sum(scanned.hours * pace.scans_per_hour) AS paced
    FROM scanned
    INNER JOIN pace ON scanned.source = pace.source AND scanned.place = pace.place
    GROUP BY scanned.source, scanned.days_ago
),

sound AS (
    SELECT
        scans.*,
        scans.days_ago % 7 AS weekday,
        scans.scans / nullif(scans.paced, 0) AS rate
    FROM scans
    INNER JOIN asked AS within ON scans.source = within.source AND scans.days_ago = within.days_ago
    INNER JOIN asked AS before ON scans.source = before.source AND scans.days_ago + 1 = before.days_ago
    WHERE within.hours >= 12 AND before.hours >= 12 AND scans.days_ago <= 28
),

usual AS (
    SELECT
        source,
        weekday,
        count(*) AS windows,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) AS rate
    FROM sound
    WHERE days_ago >= 1 AND scans > 0
    GROUP BY source, weekday
    HAVING count(*) >= 2
),

-- The median absolute deviation, as a standard deviation; windows lie closer to their own median than the next one will.
spread AS (
    SELECT
        sound.source,
        count(*) AS windows,
        1.4826 * percentile_cont(0.5) WITHIN GROUP (
            ORDER BY abs(sound.rate - usual.rate) * sqrt(usual.windows / (usual.windows - 1.0))
        ) AS rate
    FROM sound
    INNER JOIN usual ON sound.source = usual.source AND sound.weekday = usual.weekday
    WHERE sound.days_ago >= 1 AND sound.scans > 0
    GROUP BY sound.source
    HAVING count(*) >= 14
),

expected AS (
    SELECT
        sound.source,
        sound.scans,
        usual.rate * sound.paced AS events,
        greatest(spread.rate * sound.paced, sqrt(usual.rate * sound.paced), 1) AS spread
    FROM sound
    INNER JOIN usual ON sound.source = usual.source AND sound.weekday = usual.weekday
    INNER JOIN spread ON sound.source = spread.source
    INNER JOIN source ON sound.source = source.source
    WHERE
        sound.days_ago = 0
        -- what a silence kept back has been told as a silence
        AND NOT EXISTS (
            SELECT FROM gap
            INNER JOIN silence ON gap.source = silence.source
            WHERE
                gap.source = sound.source
                AND gap.hour >= source.ends_at - interval '24 hours'
                AND gap.hours > greatest(6, silence.usual_hours)
        )
),

-- Watches go on while pulls do not: what is late by their own habit blames no source.
pull AS (
    SELECT
        max(last.run_number) AS run_number,
        max(last.as_of) AS asked_at,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(EPOCH FROM last.as_of - last.before_at) / 3600) AS usual_hours
    FROM (
        SELECT
            run.run_number,
            run.as_of,
            lag(run.as_of) OVER (ORDER BY run.run_number) AS before_at
        FROM ops.run AS run
        WHERE run.kind = 'pull' AND run.dataset = 'tracking_event' AND run.state IN ('loaded', 'stopped')
        ORDER BY run.run_number DESC
        LIMIT 100
    ) AS last
),

standing AS (
    SELECT
        extract(EPOCH FROM moment.as_of - pull.asked_at) / 3600 AS hours,
        extract(EPOCH FROM moment.as_of - pull.asked_at) / 3600 > greatest(2, 3 * pull.usual_hours) AS is_late,
        (
            SELECT count(*) FROM ops.run AS run
            WHERE
                run.kind = 'watch'
                AND run.dataset = 'quality'
                AND run.run_number > pull.run_number
                AND run.state = 'loaded'
        ) AS watches
    FROM pull
    CROSS JOIN moment
),

past AS (
    SELECT
        source,
        sum(unmapped) / nullif(sum(loaded), 0) AS unmapped_share,
        count(*) FILTER (WHERE loaded > 0) AS windows
    FROM volume
    WHERE days_ago BETWEEN 1 AND 28
    GROUP BY source
)

SELECT
    source.source,
    source.last_received_at,
    source.last_loaded_at,
    round(extract(EPOCH FROM source.as_of - source.last_loaded_at) / 3600, 1) AS hours_silent,
    round(CASE WHEN source.history_days >= 14 THEN silence.usual_hours END, 1) AS usual_gap_hours,
    round(meanwhile.events::numeric, 1) AS usual_meanwhile,
    coalesce(followed.parcels, 0) AS parcels_followed,
    coalesce(today.received, 0) AS received_24h,
    coalesce(today.loaded, 0) AS loaded_24h,
    round(expected.events::numeric, 1) AS expected_24h,
    round(((expected.scans - expected.events) / expected.spread)::numeric, 1) AS deviations_24h,
    coalesce(today.unmapped, 0) AS unmapped_24h,
    round(today.unmapped / nullif(today.loaded, 0)::numeric, 4) AS unmapped_share_24h,
    round(CASE WHEN source.history_days >= 14 AND past.windows >= 7 THEN past.unmapped_share END, 4) AS unmapped_share_before,
    round(source.history_days, 1) AS history_days,
    source.as_of AS refreshed_at,
    expected.scans AS scans_24h,
    round(standing.hours, 1) AS hours_since_pull,
    coalesce(standing.is_late, false) AS pulls_are_late,
    standing.watches AS watches_since_pull
FROM source
CROSS JOIN standing
LEFT JOIN silence ON source.source = silence.source
LEFT JOIN meanwhile ON source.source = meanwhile.source
LEFT JOIN volume AS today ON source.source = today.source AND today.days_ago = 0
LEFT JOIN expected ON source.source = expected.source
LEFT JOIN past ON source.source = past.source
LEFT JOIN followed ON source.source = followed.source;
