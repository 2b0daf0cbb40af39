-- Grain of the temporary table `incomplete`: one row per number of which something was rejected, so that its answer
-- can't be taken as complete; where what was rejected names no number, that holds for all numbers of its answer.
CREATE TEMPORARY TABLE incomplete ON COMMIT DROP AS
WITH bad AS (
    SELECT
        staged.carrier,
        staged.tracking_number,
        staged.raw_answer_id
    FROM {rejected} AS rejected
    INNER JOIN {staged} AS staged ON rejected.staged_row = staged.staged_row
)

SELECT
    carrier,
    tracking_number
FROM bad
UNION
SELECT
    staged.carrier,
    staged.tracking_number
FROM {staged} AS staged
WHERE staged.raw_answer_id IN (SELECT raw_answer_id FROM bad WHERE tracking_number IS NULL);
