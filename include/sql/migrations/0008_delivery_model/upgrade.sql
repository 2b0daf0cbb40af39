-- The learned hazard.
SELECT 1;
