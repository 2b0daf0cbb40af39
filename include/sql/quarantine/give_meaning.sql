-- Grain: one row per staged event whose code no table knew and one knows today.
UPDATE {staged} AS staged SET
    milestone = told.milestone,
    reason = told.reason,
    is_mapped = true
FROM (VALUES %s) AS told ( -- noqa: PRS
    source, code, description, country, origin_country, destination_country, from_answer, milestone, reason, is_mapped
)
WHERE
    NOT staged.is_mapped
    AND staged.source = told.source
    AND staged.code IS NOT DISTINCT FROM told.code
    AND staged.description IS NOT DISTINCT FROM told.description
    AND staged.country IS NOT DISTINCT FROM told.country
    AND (staged.raw_answer_id IS NOT NULL) = told.from_answer
    AND (
        NOT told.from_answer
        OR EXISTS (
            SELECT FROM (SELECT true) AS always
            LEFT JOIN LATERAL (
                SELECT
                    known.origin_country,
                    known.destination_country
                FROM core.shipment AS known
                WHERE known.carrier = staged.carrier AND known.tracking_number = staged.tracking_number
                ORDER BY known.epoch DESC
                LIMIT 1
            ) AS shipment ON true
            WHERE
                shipment.origin_country IS NOT DISTINCT FROM told.origin_country
                AND shipment.destination_country IS NOT DISTINCT FROM told.destination_country
        )
    );
