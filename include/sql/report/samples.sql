-- Grain: one row per quarantined row of the run, a few for each dataset and rule asked for.
SELECT
    bad.dataset,
    asked.rule,
    bad.quarantined_row_id,
    bad.row_data,
    bad.source_file,
    bad.source_line,
    bad.raw_answer_id,
    bad.times_seen,
    bad.status
FROM unnest(%(datasets)s::text [], %(rules)s::text []) AS asked (dataset, rule)
CROSS JOIN LATERAL (
    SELECT sighting.quarantined_row_id FROM quality.quarantine_sighting AS sighting
    WHERE sighting.run_id = %(run)s AND sighting.dataset = asked.dataset AND sighting.rule = asked.rule
    ORDER BY sighting.quarantined_row_id
    LIMIT %(most)s
) AS found
INNER JOIN quality.quarantined_row AS bad ON found.quarantined_row_id = bad.quarantined_row_id
ORDER BY bad.dataset, asked.rule, bad.quarantined_row_id;
