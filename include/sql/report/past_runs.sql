-- Grain: one row per run of this kind and dataset up to this one, the latest first. A pull that found nothing due judged
-- nothing, and tells nothing of quality.
SELECT run.run_id
FROM ops.run
WHERE
    run.kind = %(kind)s AND run.dataset = %(dataset)s AND run.run_number <= %(number)s
    AND EXISTS (SELECT FROM quality.validation_result AS judged WHERE judged.run_id = run.run_id)
ORDER BY run.run_number DESC
LIMIT %(most)s;
