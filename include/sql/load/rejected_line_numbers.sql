-- Grain: one row per rejected line that names its order: its number goes with it into the quarantine, for it can't be counted
-- again without the other lines of its file.
UPDATE {staged} AS staged SET line_number = numbered.line_number
FROM numbered
INNER JOIN {rejected} AS rejected ON numbered.staged_row = rejected.staged_row
WHERE staged.staged_row = numbered.staged_row AND staged.line_number IS NULL AND NOT %(late)s;
