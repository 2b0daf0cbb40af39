-- Grain of the temporary table `span`: one row per epoch of a number in the batch, with the time that it holds. A number
-- that was never used twice holds all time; the others follow in event_recycled_spans.
CREATE TEMPORARY TABLE span ON COMMIT DROP AS
SELECT
    known.carrier,
    known.tracking_number,
    known.shipment_id,
    known.epoch,
    known.opened_at,
    coalesce(known.last_event_at, known.finished_at, known.opened_at) AS last_seen_at,
    known.finished_at IS NOT NULL AS is_finished,
    arriving.events,
    arriving.first_at,
    arriving.last_at,
    arriving.finished_at,
    known.last_event_at IS NOT NULL AS had_events,
    false AS is_recycled,
    '-infinity'::timestamptz AS from_at,
    'infinity'::timestamptz AS until_at
FROM arriving
INNER JOIN core.shipment_number AS known
    ON arriving.carrier = known.carrier AND arriving.tracking_number = known.tracking_number;

-- Grain of the temporary table `suspect`: one row per number in the batch that was used twice, or may have been: after an
-- end, known or told, comes an event more than 120 days on. Few have; all that follows on epochs looks at these alone.
CREATE TEMPORARY TABLE suspect ON COMMIT DROP AS
SELECT DISTINCT
    carrier,
    tracking_number
FROM span
WHERE
    epoch > 1
    OR (is_finished AND last_at > last_seen_at + interval '120 days')
    OR (finished_at IS NOT NULL AND last_at > first_at + interval '120 days');
