-- Grain: one row per stored answer that chosen events came in, with the numbers wanted of it; all where a row names none. What
-- an operator mends is not read again.
SELECT
    answer.raw_answer_id,
    answer.carrier,
    answer.tracking_numbers,
    answer.file,
    answer.byte_offset,
    answer.byte_length,
    CASE
        WHEN bool_and(bad.row_data ->> 'tracking_number' IS NOT NULL)
            THEN array_agg(DISTINCT bad.row_data ->> 'tracking_number')
    END AS wanted
FROM quality.replayed_row AS chosen
INNER JOIN quality.quarantined_row AS bad ON chosen.quarantined_row_id = bad.quarantined_row_id
INNER JOIN ops.raw_answer AS answer ON chosen.raw_answer_id = answer.raw_answer_id
WHERE chosen.run_id = %(run_id)s AND chosen.dataset = 'tracking_event' AND bad.status = 'open' AND chosen.patch IS NULL
GROUP BY answer.raw_answer_id
ORDER BY answer.file, answer.byte_offset;
