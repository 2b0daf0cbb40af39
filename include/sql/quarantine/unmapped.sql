-- Grain: one row per source, code, words and journey of staged events whose code no table knew, and whose milestone is not set
-- by hand.
SELECT DISTINCT
    staged.source,
    staged.code,
    staged.description,
    staged.country,
    shipment.origin_country,
    shipment.destination_country,
    staged.raw_answer_id IS NOT NULL AS from_answer
FROM {staged} AS staged
INNER JOIN quality.replayed_row AS chosen
    ON staged.staged_row = chosen.quarantined_row_id AND chosen.run_id = %(run_id)s
LEFT JOIN LATERAL (
    SELECT
        known.origin_country,
        known.destination_country
    FROM core.shipment AS known
    WHERE
        staged.raw_answer_id IS NOT NULL
        AND known.carrier = staged.carrier
        AND known.tracking_number = staged.tracking_number
    ORDER BY known.epoch DESC
    LIMIT 1
) AS shipment ON true
WHERE NOT staged.is_mapped AND staged.source IS NOT NULL AND NOT coalesce(chosen.patch ? 'milestone', false);
