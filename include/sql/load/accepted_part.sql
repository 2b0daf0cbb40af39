-- Grain of the temporary view `accepted`: one row per staged row that no rule rejects, of one part of the batch.
-- Parts are divided by tracking number, so that all that is told of a shipment is in one part. As a CASE, for the planner
-- takes that to hold for half of the rows, and a bare comparison for one in two hundred.
CREATE TEMPORARY VIEW accepted AS
SELECT staged.* -- noqa: AM04
FROM {staged} AS staged
WHERE
    CASE
        WHEN abs(coalesce(hashtext(staged.tracking_number), 0)::bigint) %% %(parts)s = %(part)s THEN true -- noqa: ST02
        ELSE false
    END
    AND NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = staged.staged_row);
