-- Grain: one row: the rows accepted, and of these the duplicates: found in core under their order and line, less those that
-- said something new.
SELECT
    count(*) AS told,
    count(known.order_id) - %(loaded)s AS duplicate
FROM accepted
LEFT JOIN numbered ON accepted.staged_row = numbered.staged_row
LEFT JOIN core.order_line AS known
    ON numbered.order_id = known.order_id AND numbered.line_number = known.line_number;
