-- Grain: one row per epoch of a number that may have been used more than once: it holds the time from its opening to the
-- next one's. `is_recycled` has the batch's events divided among the epochs, one by one.
DELETE FROM span
USING suspect
WHERE span.carrier = suspect.carrier AND span.tracking_number = suspect.tracking_number;

INSERT INTO span (carrier, tracking_number, shipment_id, epoch, had_events, is_recycled, from_at, until_at)
SELECT
    known.carrier,
    known.tracking_number,
    known.shipment_id,
    known.epoch,
    known.last_event_at IS NOT NULL,
    true,
    CASE WHEN lag(known.opened_at) OVER number_in_time IS NULL THEN '-infinity' ELSE known.opened_at END,
    coalesce(lead(known.opened_at) OVER number_in_time, 'infinity')
FROM core.shipment_number AS known
INNER JOIN suspect ON known.carrier = suspect.carrier AND known.tracking_number = suspect.tracking_number
WINDOW number_in_time AS (PARTITION BY known.carrier, known.tracking_number ORDER BY known.opened_at, known.epoch);

ANALYZE span;
