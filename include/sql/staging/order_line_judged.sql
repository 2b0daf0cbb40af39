-- Grain: one row per staged order line, as the gate's rules see it: with whether the lines of its order name several
-- customers, the product that is known for a line of a whole order that tells none, and whether the row is no line, but tells
-- of a whole order that it has none: then it stands alone. telling_shop is the storefront that tells of it, known_shop the one
-- that told of its order before.
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
    END AS known_product_id,
    line.is_whole_order IS TRUE
    AND line.readings_rows = 1
    AND line.line_number IS NULL
    AND coalesce(line.product_id, '') = ''
    AND coalesce(line.quantity, line.unit_price) IS NULL
    AND line.occurred_at IS NULL AS has_no_lines,
    placed.source AS known_shop,
    CASE run.kind
        WHEN 'storefront' THEN run.source
        WHEN 'quarantine' THEN (
            SELECT bad.source_file
            FROM quality.quarantined_row AS bad
            INNER JOIN ops.run AS seen ON bad.last_run_id = seen.run_id
            WHERE bad.quarantined_row_id = line.staged_row AND seen.kind = 'storefront'
        )
    END AS telling_shop
FROM (
    SELECT
        staged.*,
        min(staged.customer_id) OVER whole_order <> max(staged.customer_id) OVER whole_order AS customers_differ,
        row_number() OVER (reading ORDER BY staged.staged_row) AS place,
        count(*) OVER reading AS readings_rows
    FROM {staged} AS staged
    WINDOW
        whole_order AS (PARTITION BY staged.order_id),
        reading AS (
            PARTITION BY
                staged.order_id,
                staged.line_number IS NULL,
                CASE WHEN staged.is_whole_order THEN staged.changed_in_shop_at END
        )
) AS line
LEFT JOIN core.customer_order AS placed ON line.order_id = placed.order_id
LEFT JOIN ops.run AS run ON run.run_id = %(run_id)s;
