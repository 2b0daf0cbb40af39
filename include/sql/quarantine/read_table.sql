-- Grain of the temporary table `read_again`: one row per event or problem that the chosen rows' answers tell today.
CREATE TEMPORARY TABLE read_again ON COMMIT DROP AS
SELECT * FROM {staged} -- noqa: AM04
WITH NO DATA;

ANALYZE {staged};
