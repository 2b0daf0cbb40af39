-- Grain of the temporary table `repeated`: one row per event of the batch that was known and of which something is told
-- anew. Only shipments of which not all events of the batch were new are looked at; event by event, by the key, for a
-- join would read all months of core where a batch repeats much (OFFSET 0 keeps the planner from making it one).
-- What the carrier itself answered is not changed by a file. An event that was withdrawn comes back where it is told again,
-- but not by a replay, for that tells old answers; nor does an older answer or a row that was put aside change what a newer
-- one told.
-- Grain of the temporary table `met`: one row: the rows of the batch that were found in core, and the events to change.
CREATE TEMPORARY TABLE repeated ON COMMIT DROP AS
SELECT
    NULL::bigint AS shipment_id,
    accepted.* -- noqa: AM04
FROM accepted
WITH NO DATA;

CREATE TEMPORARY TABLE met (tellings bigint, changed bigint) ON COMMIT DROP;

WITH found AS MATERIALIZED (
    SELECT
        told.staged_row,
        told.shipment_id,
        told.tellings,
        coalesce(
            (told.raw_answer_id IS NOT NULL OR known.raw_answer_id IS NULL)
            AND (%(revives)s OR known.raw_answer_id IS NULL OR told.raw_answer_id >= known.raw_answer_id)
            AND (
                NOT %(late)s
                OR told.raw_answer_id IS NOT NULL
                OR known.run_number <= (
                    SELECT run.run_number FROM quality.quarantined_row AS bad
                    INNER JOIN ops.run AS run ON bad.last_run_id = run.run_id
                    WHERE bad.quarantined_row_id = told.staged_row
                )
            )
            AND (
                (%(revives)s AND known.withdrawn_at IS NOT NULL)
                OR (
                    known.description, known.occurred_at, known.tz_known, known.milestone, known.reason,
                    known.clock_disagrees, known.country, known.region, known.city
                ) IS DISTINCT FROM (
                    told.description, told.occurred_at, told.tz_known, told.milestone, told.reason,
                    coalesce(told.clock_disagrees, false), coalesce(told.country, known.country),
                    coalesce(told.region, known.region),
                    coalesce(told.city, known.city)
                )
            ),
            false
        ) AS says_more
    FROM (
        SELECT DISTINCT ON (span.shipment_id, accepted.reported_at, accepted.event_hash)
            span.shipment_id,
            accepted.*,
            count(*) OVER (
                PARTITION BY span.shipment_id, accepted.reported_at, accepted.event_hash
                ORDER BY accepted.staged_row DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS tellings
        FROM accepted
        INNER JOIN span
            ON
                accepted.carrier = span.carrier
                AND accepted.tracking_number = span.tracking_number
                AND accepted.occurred_at >= span.from_at
                AND accepted.occurred_at < span.until_at
        LEFT JOIN news ON span.shipment_id = news.shipment_id
        WHERE span.events IS NULL OR span.events > coalesce(news.events, 0)
        ORDER BY span.shipment_id, accepted.reported_at, accepted.event_hash, accepted.staged_row DESC
    ) AS told
    CROSS JOIN LATERAL (
        SELECT * FROM core.tracking_event AS event
        WHERE
            event.shipment_id = told.shipment_id -- noqa: RF03
            AND event.reported_at = told.reported_at
            AND event.event_hash = told.event_hash
        OFFSET 0 -- noqa: AM09
    ) AS known
),

changing AS (
    INSERT INTO repeated
    SELECT
        found.shipment_id,
        accepted.* -- noqa: AM04
    FROM found
    INNER JOIN accepted ON found.staged_row = accepted.staged_row
    WHERE found.says_more
)

INSERT INTO met (tellings, changed)
SELECT
    coalesce(sum(tellings), 0),
    count(*) FILTER (WHERE says_more)
FROM found;

ANALYZE repeated;

-- Grain: one row per repeated event. Returns the number of rows loaded: these and the new ones. Notes the shipments of both
-- as changed.
WITH updated AS (
    UPDATE core.tracking_event AS known SET
        code = repeated.code,
        description = repeated.description,
        occurred_at = repeated.occurred_at,
        utc_offset_minutes = repeated.utc_offset_minutes,
        tz_known = repeated.tz_known,
        milestone = repeated.milestone,
        reason = repeated.reason,
        clock_disagrees = coalesce(repeated.clock_disagrees, false),
        country = coalesce(repeated.country, known.country),
        region = coalesce(repeated.region, known.region),
        city = coalesce(repeated.city, known.city),
        raw_answer_id = coalesce(repeated.raw_answer_id, known.raw_answer_id),
        run_number = %(run_number)s,
        withdrawn_at = CASE WHEN %(revives)s THEN NULL ELSE known.withdrawn_at END
    FROM repeated
    WHERE
        known.shipment_id = repeated.shipment_id
        AND known.reported_at = repeated.reported_at
        AND known.event_hash = repeated.event_hash
        AND known.shipment_id BETWEEN %(first_shipment)s AND %(last_shipment)s
        AND known.reported_at BETWEEN %(first_minute)s AND %(last_minute)s
    RETURNING known.shipment_id
),

changed AS (
    INSERT INTO ops.shipment_change (shipment_id, run_id)
    SELECT
        shipment_id,
        %(run_id)s
    FROM news
    UNION
    SELECT
        shipment_id,
        %(run_id)s
    FROM updated
)

SELECT (SELECT coalesce(sum(events), 0) FROM news) + (SELECT count(*) FROM updated);
