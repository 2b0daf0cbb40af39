-- Grain: one row per chosen row: as it was put aside, with the columns that are set; but for
-- those that another replay has dealt with since this one failed. Its number is that of the quarantined row.
INSERT INTO {staged}
SELECT described.* -- noqa: AM04
FROM quality.replayed_row AS chosen
INNER JOIN quality.quarantined_row AS bad ON chosen.quarantined_row_id = bad.quarantined_row_id
CROSS JOIN LATERAL jsonb_populate_record(
    NULL::{staged},
    bad.row_data
    || coalesce(chosen.patch, '{}')
    || jsonb_build_object('staged_row', bad.quarantined_row_id, 'raw_answer_id', chosen.raw_answer_id)
) AS described
WHERE chosen.run_id = %(run_id)s AND chosen.dataset = %(dataset)s AND bad.status = 'open';
