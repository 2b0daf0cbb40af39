-- Grain: one row per product and rank, of the run in use. What can't be bought any more is left out as it is read.
CREATE OR REPLACE VIEW mart.product_recommendation AS
SELECT
    list.product_id,
    entry.rank,
    entry.recommended_product_id,
    entry.title,
    entry.support,
    entry.lift,
    entry.score,
    CASE entry.support WHEN 1 THEN 'bought together once' ELSE 'bought together ' || entry.support || ' times' END AS reason,
    run.version,
    run.published_at AS refreshed_at
FROM serving.recommendation_run AS run
INNER JOIN serving.product_list AS list ON run.run_number = list.run_number
CROSS JOIN LATERAL (
    SELECT
        (row_number() OVER (ORDER BY told.place))::integer AS rank,
        product.product_id AS recommended_product_id,
        product.title,
        told.support::bigint AS support,
        told.lift::numeric AS lift,
        told.score::numeric AS score
    FROM unnest(list.products, list.support, list.lift, list.scores)
    WITH ORDINALITY AS told (product, support, lift, score, place)
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
