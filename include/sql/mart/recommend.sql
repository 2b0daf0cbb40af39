-- What to show a customer: the customer's own list, and in slot discover, where that is short or there is none (a new customer,
-- a guest), what sells in the country. Runs as its owner, for readers may not see `serving` and `core`.
CREATE OR REPLACE FUNCTION mart.recommend(
    customer text,
    slot text DEFAULT 'discover',
    how_many integer DEFAULT 20,
    country text DEFAULT NULL
) RETURNS TABLE (rank integer, product_id text, title text, score numeric, reason text, basis text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    shown text [] = '{}';
    place text = upper(recommend.country);
BEGIN
    IF recommend.slot IS NULL OR recommend.slot NOT IN ('discover', 'buy_again') THEN
        RAISE EXCEPTION 'there is no slot %', coalesce(recommend.slot, 'NULL')
        USING ERRCODE = 'invalid_parameter_value', HINT = 'Give discover or buy_again.';
    END IF;
    IF recommend.how_many IS NULL OR recommend.how_many NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'how_many is %', coalesce(recommend.how_many::text, 'NULL')
        USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a number from 1 to 100.';
    END IF;
    FOR rank, product_id, title, score, reason IN
        SELECT
            own.rank,
            own.product_id,
            own.title,
            own.score,
            own.reason
        FROM mart.customer_recommendation AS own
        WHERE own.customer_id = recommend.customer AND own.slot = recommend.slot AND own.rank <= recommend.how_many
        ORDER BY own.rank
    LOOP
        basis = 'own list';
        shown = shown || product_id;
        RETURN NEXT;
    END LOOP;
    IF recommend.slot <> 'discover' OR cardinality(shown) >= recommend.how_many THEN
        RETURN;
    END IF;
    IF place IS NULL THEN
        SELECT known.country INTO place FROM core.customer AS known WHERE known.customer_id = recommend.customer;
    END IF;
    FOR rank, product_id, title, score, reason IN
        SELECT
            (cardinality(shown) + row_number() OVER (ORDER BY candidate.country NULLS LAST, candidate.rank))::integer,
            candidate.product_id,
            candidate.title,
            candidate.score,
            CASE WHEN candidate.country IS NULL THEN 'popular' ELSE 'popular in ' || candidate.country END
        FROM (
            SELECT DISTINCT ON (seller.product_id)
                seller.product_id,
                seller.title,
                seller.score,
                seller.country,
                seller.rank
            FROM mart.popular_product AS seller
            WHERE seller.country = place OR seller.country IS NULL
            ORDER BY seller.product_id, seller.country NULLS LAST
        ) AS candidate
        WHERE
            candidate.product_id <> ALL(shown)
            -- NULL is never among them: one look at what the customer bought, whatever sells
            AND candidate.product_id NOT IN (
                SELECT bought.product_id
                FROM serving.bought_product AS bought
                WHERE bought.customer_id = recommend.customer
            )
        ORDER BY 1
        LIMIT recommend.how_many - cardinality(shown)
    LOOP
        basis = 'popular';
        RETURN NEXT;
    END LOOP;
END
$$;
