-- Grain of the temporary table `part_order`: one row per known order of which lines are told by themselves, without numbers.
CREATE TEMPORARY TABLE part_order ON COMMIT DROP AS
SELECT order_id
FROM core.customer_order
WHERE
    NOT %(late)s
    AND order_id IN (SELECT order_id FROM {staged} WHERE line_number IS NULL AND is_whole_order IS NOT TRUE);

ANALYZE part_order;

-- Grain of the temporary table `shared_order`: one row per order that is told in part, and of which something else than this
-- very file has told lines, be they known or put aside.
CREATE TEMPORARY TABLE shared_order ON COMMIT DROP AS
SELECT line.order_id
FROM part_order
INNER JOIN core.order_line AS line ON part_order.order_id = line.order_id
LEFT JOIN ops.run AS run
    ON line.run_id = run.run_id AND %(is_import)s AND run.kind = 'import' AND run.source IS NOT DISTINCT FROM %(source)s
WHERE run.run_id IS NULL
UNION
SELECT bad.row_data ->> 'order_id'
FROM quality.quarantined_row AS bad
WHERE
    NOT %(late)s
    AND bad.dataset = 'order_line'
    AND NOT (%(is_import)s AND bad.source_file IS NOT DISTINCT FROM %(source)s)
    AND bad.row_data ->> 'order_id' IN (
        SELECT order_id FROM {staged} WHERE line_number IS NULL AND is_whole_order IS NOT TRUE
    );

ANALYZE shared_order;

-- Grain of the temporary table `known_number`: one row per line of these orders that is known, and one per line that was put
-- aside, with what it says.
CREATE TEMPORARY TABLE known_number ON COMMIT DROP AS
SELECT
    line.order_id,
    line.line_number,
    line.product_id,
    line.quantity,
    line.unit_price,
    line.occurred_at,
    line.withdrawn_at IS NOT NULL AS is_withdrawn,
    NULL::jsonb AS put_aside,
    coalesce(%(is_import)s AND run.kind = 'import' AND run.source IS NOT DISTINCT FROM %(source)s, false) AS is_own
FROM shared_order
INNER JOIN core.order_line AS line ON shared_order.order_id = line.order_id
LEFT JOIN ops.run AS run ON line.run_id = run.run_id
UNION ALL
SELECT
    shared_order.order_id,
    (bad.row_data ->> 'line_number')::integer,
    NULL,
    NULL,
    NULL,
    NULL,
    false,
    bad.row_data - ARRAY['staged_row', 'source_line', 'line_number'],
    coalesce(%(is_import)s AND bad.source_file IS NOT DISTINCT FROM %(source)s, false)
FROM shared_order
INNER JOIN quality.quarantined_row AS bad ON shared_order.order_id = bad.row_data ->> 'order_id'
WHERE bad.dataset = 'order_line' AND bad.row_data ->> 'line_number' IS NOT NULL;

ANALYZE known_number;

-- Grain of the temporary table `known_again`: one row per staged line of these orders that is a known line told again. The nth of
-- equal lines is the nth known one; a line that a rule rejects can only be one that was put aside.
CREATE TEMPORARY TABLE known_again ON COMMIT DROP AS
WITH part AS (
    SELECT
        staged.staged_row,
        staged.order_id,
        staged.product_id,
        staged.quantity,
        staged.unit_price,
        staged.occurred_at,
        CASE
            WHEN rejected.staged_row IS NOT NULL
                THEN to_jsonb(staged) - ARRAY['staged_row', 'source_line', 'line_number']
        END AS put_aside
    FROM {staged} AS staged
    INNER JOIN shared_order ON staged.order_id = shared_order.order_id
    LEFT JOIN (SELECT DISTINCT staged_row FROM {rejected}) AS rejected ON staged.staged_row = rejected.staged_row
    WHERE staged.line_number IS NULL
),

arriving AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY order_id, product_id, quantity, unit_price, occurred_at, put_aside ORDER BY staged_row
        ) AS place
    FROM part
),

line AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY order_id, product_id, quantity, unit_price, occurred_at ORDER BY is_withdrawn, line_number
        ) AS place
    FROM known_number
    WHERE put_aside IS NULL
),

bad AS (
    SELECT
        order_id,
        line_number,
        put_aside,
        row_number() OVER (PARTITION BY order_id, put_aside ORDER BY line_number) AS place
    FROM (SELECT DISTINCT order_id, line_number, put_aside FROM known_number WHERE put_aside IS NOT NULL) AS told
)

SELECT
    arriving.staged_row,
    line.order_id,
    line.line_number
FROM arriving
INNER JOIN line
    ON
        arriving.order_id = line.order_id
        AND arriving.product_id = line.product_id
        AND arriving.quantity = line.quantity
        AND arriving.place = line.place
        AND arriving.unit_price IS NOT DISTINCT FROM line.unit_price
        AND arriving.occurred_at IS NOT DISTINCT FROM line.occurred_at
WHERE arriving.put_aside IS NULL
UNION ALL
SELECT
    arriving.staged_row,
    bad.order_id,
    bad.line_number
FROM arriving
INNER JOIN bad
    ON arriving.order_id = bad.order_id AND arriving.put_aside = bad.put_aside AND arriving.place = bad.place;

ANALYZE known_again;

-- Grain of the temporary table `numbered`: one row per staged line that names its order. A line keeps the number that it was
-- told with, or had as it was put aside. Else lines are numbered within their order as the source gives them, the rejected ones
-- too, so that the same file again, mended or not, is the same lines; several readings of a whole order tell the same lines.
-- Where others have told lines of an order, a part of it takes no place of theirs: lines that are known already are those
-- (is_known), further ones take what is left of this file's own numbers, and then follow all that are known or put aside. So do
-- lines that come back from the quarantine and whose order was not known when they were put aside.
CREATE TEMPORARY TABLE numbered ON COMMIT DROP AS
WITH taken AS (
    SELECT
        line.order_id,
        max(line.line_number) AS line_number
    FROM (
        SELECT
            order_id,
            line_number
        FROM core.order_line
        WHERE order_id IN (SELECT order_id FROM {staged} WHERE line_number IS NULL)
        UNION ALL
        SELECT
            row_data ->> 'order_id',
            (row_data ->> 'line_number')::integer
        FROM quality.quarantined_row
        WHERE dataset = 'order_line' AND row_data ->> 'order_id' IN (SELECT order_id FROM {staged} WHERE line_number IS NULL)
    ) AS line
    WHERE %(late)s
    GROUP BY line.order_id
    UNION ALL
    SELECT
        order_id,
        max(line_number)
    FROM known_number
    GROUP BY order_id
),

own AS (
    SELECT
        order_id,
        line_number,
        row_number() OVER (PARTITION BY order_id ORDER BY line_number) AS place,
        count(*) OVER (PARTITION BY order_id) AS numbers
    FROM (
        SELECT DISTINCT
            order_id,
            line_number
        FROM known_number
        WHERE is_own
        EXCEPT
        SELECT
            order_id,
            line_number
        FROM known_again
    ) AS free
),

placed AS (
    SELECT
        staged.staged_row,
        staged.order_id,
        staged.line_number,
        known_again.line_number AS known_number,
        row_number() OVER (
            PARTITION BY
                staged.order_id,
                staged.line_number IS NULL,
                known_again.staged_row IS NULL,
                CASE WHEN staged.is_whole_order THEN staged.changed_in_shop_at END
            ORDER BY staged.staged_row
        ) AS place,
        max(staged.line_number) OVER (PARTITION BY staged.order_id) AS told_number
    FROM {staged} AS staged
    LEFT JOIN known_again ON staged.staged_row = known_again.staged_row
    WHERE staged.order_id IS NOT NULL
)

SELECT
    placed.staged_row,
    placed.order_id,
    coalesce(
        placed.line_number,
        placed.known_number,
        own.line_number,
        greatest(taken.line_number, CASE WHEN NOT %(late)s THEN placed.told_number END, 0)
        + placed.place - coalesce(free.numbers, 0)
    )::integer AS line_number,
    placed.known_number IS NOT NULL AS is_known
FROM placed
LEFT JOIN taken ON placed.order_id = taken.order_id
LEFT JOIN own ON placed.order_id = own.order_id AND placed.place = own.place
LEFT JOIN own AS free ON placed.order_id = free.order_id AND free.place = 1;

ANALYZE numbered;
