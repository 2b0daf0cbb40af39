-- Journeys under way.
SELECT 1;
