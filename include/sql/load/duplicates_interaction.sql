-- Grain: one row: the rows accepted, and of these the duplicates: found in core under their key, less those that were new.
SELECT
    count(*) AS told,
    count(known.interaction_hash) - %(loaded)s AS duplicate
FROM accepted
LEFT JOIN core.interaction AS known
    ON accepted.occurred_at = known.occurred_at AND accepted.interaction_hash = known.interaction_hash;
