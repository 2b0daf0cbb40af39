-- Grain: one row per accepted row of an order that another storefront has told of since the rows were judged.
INSERT INTO {rejected} (staged_row, rule, severity, reason)
SELECT
    accepted.staged_row,
    'order_of_another_shop',
    'row',
    concat(
        'order ', accepted.order_id, ' of storefront ', %(storefront)s::text, ' is known from storefront ', known.source,
        ': give each shop a warehouse of its own, or its orders a prefix'
    )
FROM accepted
INNER JOIN core.customer_order AS known ON accepted.order_id = known.order_id
WHERE known.source <> %(storefront)s::text;
