-- Grain: one row per open quarantined row that the run takes through the gate again, but for those that another replay has in
-- hand.
INSERT INTO quality.replayed_row (run_id, quarantined_row_id, dataset, raw_answer_id)
SELECT
    %(run_id)s,
    bad.quarantined_row_id,
    bad.dataset,
    bad.raw_answer_id
FROM ops.free_quarantined_rows(%(ids)s::bigint [], %(dataset)s, %(rule)s, %(chosen_run)s) AS bad
WHERE %(origin)s::text IS NULL OR (%(origin)s = 'pull') = (bad.raw_answer_id IS NOT NULL);
