-- The line that a recommendation is given with: a template of serving.recommendation_run, filled in. What a shop wrote goes in
-- last, so that nothing in it is taken for a place to fill.
CREATE OR REPLACE FUNCTION serving.recommendation_reason(template text, product text, support integer, country text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(
    replace(
        replace(
            CASE
                WHEN support = 1
                    THEN replace(replace(template, '{support} times', 'once'), '{support} customers', 'one customer')
                ELSE template
            END, '{support}', support::text
        ), '{country}', coalesce(country, '')
    ), '{product}', coalesce(product, '')
);
COMMENT ON FUNCTION serving.recommendation_reason(text, text, integer, text) IS
'A reason''s template with {support}, {country} and {product} filled in.';

-- Grain: one row per customer, slot and rank, of the run in use. What can't be bought any more, and what the customer has bought
-- since the run, is left out as it is read, and the rest moves up.
CREATE OR REPLACE VIEW mart.customer_recommendation AS
SELECT
    list.customer_id,
    list.slot,
    entry.rank,
    entry.product_id,
    entry.title,
    entry.score,
    entry.reason,
    run.version,
    run.published_at AS refreshed_at
FROM serving.recommendation_run AS run
INNER JOIN serving.customer_list AS list ON run.run_number = list.run_number
CROSS JOIN LATERAL (
    SELECT array_agg(bought.product_id) AS products
    FROM serving.bought_product AS bought
    WHERE bought.customer_id = list.customer_id AND bought.known_at > run.trained_at
) AS since
CROSS JOIN LATERAL (
    SELECT
        (row_number() OVER (ORDER BY told.place))::integer AS rank,
        product.product_id,
        product.title,
        told.score::numeric AS score,
        serving.recommendation_reason(
            run.reasons[told.reason + 1],
            (
                SELECT coalesce(cause.title, cause.product_id)
                FROM serving.recommended_product AS cause
                WHERE cause.run_number = list.run_number AND cause.product_number = told.because
            ),
            told.support,
            list.country
        ) AS reason
    FROM unnest(list.products, list.scores, list.reasons, list.because, list.support)
    WITH ORDINALITY AS told (product, score, reason, because, support, place)
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
    WHERE since.products IS NULL OR product.product_id <> ALL(since.products)
) AS entry
WHERE run.status = 'serving';
