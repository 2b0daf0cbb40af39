-- Grain: one row per month of the batch's events. Not all months between the first and the last: one stray date would
-- make hundreds of partitions.
SELECT ops.ensure_event_partitions(month.starts_at, month.starts_at)
FROM (SELECT DISTINCT date_trunc('month', reported_at) AS starts_at FROM accepted) AS month;
