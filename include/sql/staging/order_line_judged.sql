-- Grain: one row per staged order line, as the gate's rules see it: with whether the lines of its order name several
-- customers, and the product that is known for a line of a whole order that tells none.
CREATE VIEW {judged} AS
SELECT
    line.*, -- noqa: AM04
    CASE
        WHEN line.product_id <> '' OR line.is_whole_order IS NOT TRUE THEN line.product_id
        ELSE (
            SELECT known.product_id
            FROM core.order_line AS known
            WHERE
                known.order_id = line.order_id
                AND known.line_number = coalesce(line.line_number, line.place)
                AND known.unit_price IS NOT DISTINCT FROM line.unit_price
                AND sign(known.quantity) = sign(line.quantity)
        )
    END AS known_product_id
FROM (
    SELECT
        staged.*,
        min(staged.customer_id) OVER whole_order <> max(staged.customer_id) OVER whole_order AS customers_differ,
        row_number() OVER (
            PARTITION BY
                staged.order_id,
                staged.line_number IS NULL,
                CASE WHEN staged.is_whole_order THEN staged.changed_in_shop_at END
            ORDER BY staged.staged_row
        ) AS place
    FROM {staged} AS staged
    WINDOW whole_order AS (PARTITION BY staged.order_id)
) AS line;
