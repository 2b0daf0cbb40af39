-- Grain: one row per quarantined row of the run, a few for each dataset and rule asked for. Two indexes know a run's rows
-- by rule: those that it put aside first, and those that it saw last of all runs. OFFSET 0 keeps the planner from walking
-- the whole table in the order of its key instead, until a few rows of the run turn up.
SELECT
    bad.dataset,
    bad.rule,
    bad.quarantined_row_id,
    bad.row_data,
    bad.source_file,
    bad.source_line,
    bad.raw_answer_id,
    bad.times_seen,
    bad.status
FROM unnest(%(datasets)s::text [], %(rules)s::text []) AS asked (dataset, rule)
CROSS JOIN LATERAL (
    (
        SELECT put_aside.quarantined_row_id
        FROM (
            SELECT first_seen.quarantined_row_id FROM quality.quarantined_row AS first_seen
            WHERE first_seen.first_run_id = %(run)s AND first_seen.dataset = asked.dataset AND first_seen.rule = asked.rule
            OFFSET 0 -- noqa: AM09
        ) AS put_aside
        ORDER BY put_aside.quarantined_row_id
        LIMIT %(most)s
    )
    UNION
    (
        SELECT seen_again.quarantined_row_id
        FROM (
            SELECT last_seen.quarantined_row_id FROM quality.quarantined_row AS last_seen
            WHERE last_seen.last_run_id = %(run)s AND last_seen.dataset = asked.dataset AND last_seen.rule = asked.rule
            OFFSET 0 -- noqa: AM09
        ) AS seen_again
        ORDER BY seen_again.quarantined_row_id
        LIMIT %(most)s
    )
    ORDER BY quarantined_row_id
    LIMIT %(most)s
) AS found
INNER JOIN quality.quarantined_row AS bad ON found.quarantined_row_id = bad.quarantined_row_id
ORDER BY bad.dataset, bad.rule, bad.quarantined_row_id;
