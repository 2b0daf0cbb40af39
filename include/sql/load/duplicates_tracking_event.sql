-- Grain: one row: the rows of the part, and of these the duplicates. A row is found in core where all events of its shipment
-- were new and so many were inserted, or where its key was looked up (`met`); of those found, new events and changed ones
-- say something new. Nothing of it is worked out from the rows received.
SELECT
    (SELECT coalesce(sum(events), 0) FROM arriving) AS told,
    (
        SELECT coalesce(sum(news.events), 0) FROM news
        INNER JOIN span ON news.shipment_id = span.shipment_id
        WHERE span.events <= news.events
    ) + met.tellings - (SELECT coalesce(sum(events), 0) FROM news) - met.changed AS duplicate
FROM met;
