-- Grain: one row per new use of a recycled tracking number. Carriers recycle numbers: a new epoch opens with an event
-- more than 120 days after the last event of a finished shipment; a late event goes to the epoch that holds it.
WITH latest AS (
    SELECT DISTINCT ON (span.carrier, span.tracking_number)
        span.carrier,
        span.tracking_number,
        span.last_seen_at,
        span.is_finished,
        max(span.epoch) OVER (PARTITION BY span.carrier, span.tracking_number) AS epoch
    FROM span
    INNER JOIN suspect ON span.carrier = suspect.carrier AND span.tracking_number = suspect.tracking_number
    ORDER BY span.carrier, span.tracking_number, span.opened_at DESC
),

told AS (
    SELECT
        accepted.carrier,
        accepted.tracking_number,
        accepted.occurred_at,
        accepted.milestone = ANY(%(final)s) AS is_final
    FROM accepted
    INNER JOIN suspect
        ON accepted.carrier = suspect.carrier AND accepted.tracking_number = suspect.tracking_number
    UNION ALL
    SELECT
        carrier,
        tracking_number,
        last_seen_at,
        is_finished
    FROM latest
),

spaced AS (
    SELECT
        *,
        occurred_at - lag(occurred_at) OVER number_in_time > interval '120 days' AS after_gap
    FROM told
    WINDOW number_in_time AS (PARTITION BY carrier, tracking_number ORDER BY occurred_at)
),

stretch AS (
    SELECT
        *,
        count(*) FILTER (WHERE after_gap) OVER (PARTITION BY carrier, tracking_number ORDER BY occurred_at) AS part
    FROM spaced
),

part AS (
    SELECT
        carrier,
        tracking_number,
        part,
        min(occurred_at) AS opens_at,
        bool_or(is_final) AS is_finished
    FROM stretch
    GROUP BY carrier, tracking_number, part
),

sequel AS (
    SELECT
        *,
        lag(is_finished) OVER (PARTITION BY carrier, tracking_number ORDER BY part) AS follows_finished
    FROM part
),

opened AS (
    INSERT INTO core.shipment_number (carrier, tracking_number, epoch, opened_at)
    SELECT
        sequel.carrier,
        sequel.tracking_number,
        latest.epoch + row_number() OVER (
            PARTITION BY sequel.carrier, sequel.tracking_number ORDER BY sequel.opens_at
        ),
        sequel.opens_at
    FROM sequel
    INNER JOIN latest
        ON sequel.carrier = latest.carrier AND sequel.tracking_number = latest.tracking_number
    WHERE sequel.follows_finished AND sequel.opens_at > latest.last_seen_at
    RETURNING shipment_id, carrier, tracking_number, epoch
)

INSERT INTO core.shipment (shipment_id, carrier, tracking_number, epoch, run_id, ingested_at, changed_at)
SELECT
    shipment_id,
    carrier,
    tracking_number,
    epoch,
    %(run_id)s,
    %(as_of)s,
    %(as_of)s
FROM opened;

-- Grain: one row per later use of a number that opened earlier than was known: of the events before it, those within 120
-- days of it, and more than 120 days after the finished use that precedes it, are its own.
UPDATE core.shipment_number AS later SET opened_at = told.opens_at
FROM (
    SELECT
        epoch.shipment_id,
        min(accepted.occurred_at) AS opens_at
    FROM (
        SELECT
            known.*,
            lag(coalesce(known.last_event_at, known.finished_at)) OVER number_in_time AS left_at,
            lag(known.finished_at) OVER number_in_time IS NOT NULL AS follows_finished
        FROM core.shipment_number AS known
        INNER JOIN suspect ON known.carrier = suspect.carrier AND known.tracking_number = suspect.tracking_number
        WINDOW number_in_time AS (PARTITION BY known.carrier, known.tracking_number ORDER BY known.opened_at, known.epoch)
    ) AS epoch
    INNER JOIN accepted
        ON
            epoch.carrier = accepted.carrier
            AND epoch.tracking_number = accepted.tracking_number
            AND epoch.opened_at > accepted.occurred_at
            AND epoch.opened_at - interval '120 days' <= accepted.occurred_at
            AND epoch.left_at + interval '120 days' < accepted.occurred_at
    WHERE epoch.follows_finished
    GROUP BY epoch.shipment_id
) AS told
WHERE later.shipment_id = told.shipment_id;
