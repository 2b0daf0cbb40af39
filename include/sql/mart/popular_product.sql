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
        product.product_id,
        product.title,
        told.score::numeric AS score
    FROM unnest(list.products, list.scores) WITH ORDINALITY AS told (product, score, place)
    -- one look-up each, whatever the planner thinks of how many products there are
    CROSS JOIN LATERAL (
        SELECT
            buyable.product_id,
            buyable.title
        FROM serving.buyable_product AS buyable
        WHERE buyable.run_number = list.run_number AND buyable.product_number = told.product
        ORDER BY buyable.product_number
        LIMIT 1
    ) AS product
) AS entry
WHERE run.status = 'serving';
