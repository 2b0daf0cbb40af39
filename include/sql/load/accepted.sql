-- Grain of the temporary view `accepted`: one row per staged row that no rule rejects.
CREATE TEMPORARY VIEW accepted AS
SELECT staged.* -- noqa: AM04
FROM {staged} AS staged
WHERE NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = staged.staged_row);
