-- Grain: one row per line of a whole order whose product the shop has no more, and of which at most the stock number is told:
-- it keeps the product that is known for the line. Where lines before it were taken out, another line had its number: so the
-- price is to be the same, and a return stays one.
UPDATE {staged} AS staged SET product_id = known.product_id
FROM numbered
INNER JOIN core.order_line AS known ON numbered.order_id = known.order_id AND numbered.line_number = known.line_number
WHERE
    staged.staged_row = numbered.staged_row
    AND staged.is_whole_order
    AND known.unit_price IS NOT DISTINCT FROM staged.unit_price
    AND sign(known.quantity) = sign(staged.quantity)
    AND (coalesce(staged.product_id, '') = '' OR starts_with(staged.product_id, 'sku:'))
    AND NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = staged.staged_row);

-- Grain: one row per line whose product was known when it was judged, and is no more. What tells of an order without lines
-- has neither product nor quantity.
INSERT INTO {rejected} (staged_row, rule, severity, reason)
SELECT
    staged_row,
    'product_missing',
    'row',
    concat('product_id is not given', ' (line ' || source_line || ')')
FROM accepted
WHERE coalesce(product_id, '') = '' AND quantity IS NOT NULL;
