-- Grain of the temporary view `accepted`: one row per staged row that no rule rejects, of one part of the batch.
-- Parts are divided by tracking number, so that all that is told of a shipment is in one part.
CREATE TEMPORARY VIEW accepted AS
SELECT staged.*
FROM {staged} AS staged
WHERE
    abs(coalesce(hashtext(staged.tracking_number), 0)::bigint) %% %(parts)s = %(part)s
    AND NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = staged.staged_row);
