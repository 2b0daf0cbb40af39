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
    INNER JOIN serving.recommended_product AS named
        ON list.run_number = named.run_number AND told.product = named.product_number
    INNER JOIN core.product AS product ON named.product_id = product.product_id
    WHERE coalesce(product.is_available, true) AND product.withdrawn_at IS NULL
) AS entry
WHERE run.status = 'serving';
