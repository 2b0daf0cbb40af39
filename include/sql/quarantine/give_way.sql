-- Grain of the temporary table `mended`: one row per chosen row that could not be read, and of whose parcel or answer something
-- can be read today.
CREATE TEMPORARY TABLE mended ON COMMIT DROP AS
SELECT
    staged.staged_row,
    staged.raw_answer_id,
    staged.tracking_number
FROM {staged} AS staged
INNER JOIN quality.replayed_row AS chosen ON staged.staged_row = chosen.quarantined_row_id
WHERE
    chosen.run_id = %(run_id)s
    AND chosen.patch IS NULL
    AND staged.unreadable IS NOT NULL
    AND EXISTS (
        SELECT FROM read_again
        WHERE
            read_again.raw_answer_id = staged.raw_answer_id
            AND read_again.unreadable IS NULL
            AND (staged.tracking_number IS NULL OR read_again.tracking_number = staged.tracking_number)
    );

-- Grain of the temporary table `come_back`: one row per event or problem that comes in their place.
CREATE TEMPORARY TABLE come_back ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM read_again
WHERE
    EXISTS (
        SELECT FROM mended
        WHERE
            mended.raw_answer_id = read_again.raw_answer_id
            AND (mended.tracking_number IS NULL OR mended.tracking_number = read_again.tracking_number)
    );

DELETE FROM {staged} WHERE staged_row IN (SELECT staged_row FROM mended);
