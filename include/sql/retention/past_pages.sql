-- Between which pages of the table its rows past their time lie. Grain: one row; NULL where there are none.
SELECT
    (min(aged.ctid)::text::point)[0]::bigint AS first_page,
    (max(aged.ctid)::text::point)[0]::bigint AS last_page
FROM {table} AS aged
WHERE {past}
