-- Grain: one row per country and rank, of the run in use; without country: of all together. What can't be bought any more is left
-- out as it is read.
CREATE OR REPLACE VIEW mart.popular_product AS
SELECT
    list.country,
    entry.rank,
    entry.product_id,
    entry.title,
    entry.score,
    run.version,
    run.published_at AS refreshed_at
FROM serving.recommendation_run AS run
INNER JOIN serving.popular_list AS list ON run.run_number = list.run_number
CROSS JOIN LATERAL (
    SELECT
        (row_number() OVER (ORDER BY told.place))::integer AS rank,
        named.product_id,
        coalesce(product.title, named.title) AS title,
        told.score::numeric AS score
    FROM unnest(list.products, list.scores) WITH ORDINALITY AS told (product, score, place)
    -- one look-up each, whatever the planner thinks of how many products there are
    CROSS JOIN LATERAL (
        SELECT
            number.product_id,
            number.title
        FROM serving.recommended_product AS number
        WHERE number.run_number = list.run_number AND number.product_number = told.product
        ORDER BY number.product_number
        LIMIT 1
    ) AS named
    CROSS JOIN LATERAL (
        SELECT known.title
        FROM core.product AS known
        WHERE
            known.product_id = named.product_id
            AND coalesce(known.is_available, true)
            AND known.withdrawn_at IS NULL
        ORDER BY known.product_id
        LIMIT 1
    ) AS product
) AS entry
WHERE run.status = 'serving';
