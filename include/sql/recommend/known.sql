-- What there is to learn from, by its loads and erasures: more of them than a run knew are news. Grain: one row.
SELECT
    ops.as_of() AS as_of,
    (
        SELECT count(*)
        FROM quality.reconciliation AS done
        WHERE done.dataset IN ('order_line', 'interaction', 'product') AND done.loaded > 0
    ) AS loads,
    (SELECT count(*) FROM ops.erased_customer) AS erasures
