-- Grain: one row per shipment of the batch: a number or an epoch that is new is registered, a journey that ended closed.
INSERT INTO core.shipment_number AS known (carrier, tracking_number, epoch, opened_at, finished_at)
SELECT
    carrier,
    number,
    epoch,
    coalesce(starts_at, %(as_of)s),
    finished_at
FROM told
ORDER BY carrier, number, epoch
ON CONFLICT (carrier, tracking_number, epoch) DO UPDATE SET
finished_at = excluded.finished_at
WHERE known.finished_at < excluded.finished_at OR (known.finished_at IS NULL AND excluded.finished_at IS NOT NULL);
