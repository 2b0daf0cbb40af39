-- Grain of the temporary table `chosen`: one row per quarantined row of the replay. Each table is analyzed before it is
-- joined: a stopped batch is as large as it came.
CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS
SELECT
    bad.quarantined_row_id,
    bad.rule,
    bad.row_hash,
    replayed.raw_answer_id,
    bad.row_data ->> 'tracking_number' AS tracking_number,
    bad.row_data ->> 'unreadable' IS NOT NULL AS is_unread,
    replayed.patch IS NOT NULL AS is_mended
FROM quality.replayed_row AS replayed
INNER JOIN quality.quarantined_row AS bad ON replayed.quarantined_row_id = bad.quarantined_row_id
WHERE replayed.run_id = %(run_id)s AND replayed.dataset = %(dataset)s;

ANALYZE chosen;

-- Grain of the temporary table `described`: one row per staged row that a rule rejects.
CREATE TEMPORARY TABLE described ON COMMIT DROP AS
SELECT
    rejected.staged_row,
    rejected.rule,
    rejected.severity,
    rejected.reason,
    staged.source_line,
    to_jsonb(staged) AS row_data
FROM {staged} AS staged
INNER JOIN {rejected} AS rejected ON staged.staged_row = rejected.staged_row;

ANALYZE described;

-- Grain of the temporary table `put_aside`: the same rows, with the quarantined row that each was: by its number; for what
-- was read again, the row of its parcel or answer that could not be read.
CREATE TEMPORARY TABLE put_aside ON COMMIT DROP AS
WITH origin AS (
    SELECT
        described.staged_row,
        chosen.quarantined_row_id,
        chosen.is_mended AS is_another
    FROM described
    INNER JOIN chosen ON described.staged_row = chosen.quarantined_row_id
    UNION ALL
    SELECT
        described.staged_row,
        min(chosen.quarantined_row_id),
        true
    FROM described
    INNER JOIN chosen
        ON
            (described.row_data ->> 'raw_answer_id')::bigint = chosen.raw_answer_id
            AND coalesce(chosen.tracking_number = described.row_data ->> 'tracking_number', true)
    WHERE described.staged_row < 0 AND chosen.is_unread
    GROUP BY described.staged_row
)

SELECT
    described.*, -- noqa: AM04
    (described.row_data ->> 'raw_answer_id')::bigint AS raw_answer_id,
    ops.row_identity(described.row_data) AS row_hash,
    origin.quarantined_row_id,
    chosen.rule AS rule_before,
    chosen.row_hash AS hash_before,
    origin.is_another
FROM described
LEFT JOIN origin ON described.staged_row = origin.staged_row
LEFT JOIN chosen ON origin.quarantined_row_id = chosen.quarantined_row_id;

ANALYZE put_aside;

-- Grain: one row per bad row that a replay made of another: mended, or read again. It never arrived so; it has come with the
-- row that it was.
INSERT INTO quality.quarantined_row AS known (
    dataset, rule, row_hash, severity, reason, row_data, source_file, source_line, raw_answer_id,
    first_run_id, last_run_id, first_seen_at, last_seen_at, times_seen
)
SELECT DISTINCT ON (put_aside.rule, put_aside.row_hash)
    %(dataset)s,
    put_aside.rule,
    put_aside.row_hash,
    put_aside.severity,
    put_aside.reason,
    put_aside.row_data,
    origin.source_file,
    put_aside.source_line,
    put_aside.raw_answer_id,
    origin.first_run_id,
    origin.last_run_id,
    origin.first_seen_at,
    origin.last_seen_at,
    0
FROM put_aside
INNER JOIN quality.quarantined_row AS origin ON put_aside.quarantined_row_id = origin.quarantined_row_id
WHERE put_aside.severity = 'row' AND put_aside.is_another AND put_aside.row_hash <> put_aside.hash_before
ORDER BY put_aside.rule, put_aside.row_hash, put_aside.staged_row
ON CONFLICT (dataset, rule, row_hash) DO UPDATE SET
reason = excluded.reason,
status = CASE WHEN known.status = 'dismissed' THEN known.status ELSE 'open' END,
superseded_by = NULL;

-- Grain of the temporary table `kept`: one row per chosen row that was put aside again, with the quarantined row that stands
-- for it from now on, be it itself. A row under another rule than before moves there, unless that is there already. A batch
-- that was stopped as a whole says nothing new of its rows.
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
SELECT DISTINCT ON (told.quarantined_row_id)
    told.quarantined_row_id,
    told.rule,
    told.severity,
    told.reason,
    CASE
        WHEN told.severity = 'batch' AND told.rule <> told.rule_before THEN told.quarantined_row_id
        ELSE coalesce(
            known.quarantined_row_id,
            min(told.quarantined_row_id) OVER (PARTITION BY told.rule, told.row_hash)
        )
    END AS kept_id
FROM (
    SELECT
        quarantined_row_id,
        staged_row,
        rule,
        severity,
        reason,
        rule_before,
        CASE WHEN is_another AND severity = 'row' THEN row_hash ELSE hash_before END AS row_hash
    FROM put_aside
    WHERE quarantined_row_id IS NOT NULL
) AS told
LEFT JOIN quality.quarantined_row AS known
    ON known.dataset = %(dataset)s AND told.rule = known.rule AND told.row_hash = known.row_hash
ORDER BY told.quarantined_row_id, known.quarantined_row_id = told.quarantined_row_id DESC, told.staged_row;

ANALYZE kept;

-- Grain: one row per chosen row that is still open: after a replay failed, another may have dealt with it. Those that no rule
-- rejects any more are replayed; none is deleted.
UPDATE quality.quarantined_row AS bad SET
    rule = CASE WHEN judged.stays THEN judged.rule ELSE bad.rule END,
    severity = CASE WHEN judged.stays THEN judged.severity ELSE bad.severity END,
    reason = CASE WHEN judged.stays THEN judged.reason ELSE bad.reason END,
    status = CASE
        WHEN judged.kept_id IS NULL THEN 'replayed'
        WHEN judged.kept_id <> bad.quarantined_row_id THEN 'superseded'
        ELSE 'open'
    END,
    superseded_by = nullif(judged.kept_id, bad.quarantined_row_id),
    replays = bad.replays + 1,
    replay_run_id = %(run_id)s,
    replayed_at = ops.as_of()
FROM (
    SELECT
        chosen.quarantined_row_id,
        kept.rule,
        kept.severity,
        kept.reason,
        kept.kept_id,
        coalesce(
            kept.kept_id = chosen.quarantined_row_id
            AND NOT (kept.severity = 'batch' AND kept.rule <> known.rule),
            false
        ) AS stays
    FROM quality.replayed_row AS chosen
    INNER JOIN quality.quarantined_row AS known ON chosen.quarantined_row_id = known.quarantined_row_id
    LEFT JOIN kept ON chosen.quarantined_row_id = kept.quarantined_row_id
    WHERE chosen.run_id = %(run_id)s AND chosen.dataset = %(dataset)s AND known.status = 'open'
) AS judged
WHERE bad.quarantined_row_id = judged.quarantined_row_id;

UPDATE quality.quarantined_row AS bad SET status = 'open', superseded_by = NULL
FROM kept
WHERE
    bad.quarantined_row_id = kept.kept_id
    AND kept.kept_id <> kept.quarantined_row_id
    AND bad.status NOT IN ('open', 'dismissed');

UPDATE quality.replayed_row AS chosen SET
    outcome = CASE bad.status WHEN 'replayed' THEN 'passed' WHEN 'superseded' THEN 'superseded' ELSE 'failed' END,
    rule = kept.rule
FROM quality.quarantined_row AS bad
LEFT JOIN kept ON bad.quarantined_row_id = kept.quarantined_row_id
WHERE
    chosen.run_id = %(run_id)s
    AND chosen.dataset = %(dataset)s
    AND chosen.quarantined_row_id = bad.quarantined_row_id
    AND bad.replay_run_id = chosen.run_id;

-- Grain: one row per bad row that the replay put aside.
INSERT INTO quality.quarantine_sighting (run_id, dataset, rule, quarantined_row_id)
SELECT DISTINCT
    %(run_id)s,
    bad.dataset,
    bad.rule,
    bad.quarantined_row_id
FROM kept
INNER JOIN quality.quarantined_row AS bad ON kept.kept_id = bad.quarantined_row_id;
