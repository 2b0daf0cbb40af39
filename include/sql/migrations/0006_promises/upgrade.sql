-- Promises as issued, and how they were kept.
SELECT 1;
