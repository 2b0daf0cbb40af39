-- Grain of serving.delivery_experience: one row per destination country ('*' for all), segment ('all') and lateness ('late', 'all').
-- What fewer than %(least)s orders tell is left out.
DELETE FROM serving.delivery_experience;

WITH rolled AS (
    SELECT
        place.country,
        part.segment,
        counts_under.rolled AS lateness,
        sum(cell.n) FILTER (WHERE cell.lateness <> 'open') AS n,
        sum(cell.n) FILTER (WHERE cell.lateness = 'open') AS open,
        sum(cell.due) AS due,
        sum(cell.late)::double precision / nullif(sum(cell.due), 0) AS late_share,
        sum(cell.dated) AS dated,
        sum(cell.days_late)::double precision / nullif(sum(cell.dated), 0) AS days_late
    FROM cell
    INNER JOIN counts_under ON cell.lateness = counts_under.lateness
    CROSS JOIN LATERAL (VALUES (cell.country), ('*')) AS place (country)
    CROSS JOIN LATERAL (VALUES (cell.segment), ('all')) AS part (segment)
    WHERE counts_under.rolled <> 'open' AND place.country <> ''
    GROUP BY place.country, part.segment, counts_under.rolled
),

travel AS (
    SELECT
        place.country,
        part.segment,
        counts_under.rolled AS lateness,
        travelled.tenth,
        sum(sum(travelled.n)) OVER (cell ORDER BY travelled.tenth) AS so_far,
        sum(sum(travelled.n)) OVER cell AS n
    FROM travelled
    INNER JOIN counts_under ON travelled.lateness = counts_under.lateness
    CROSS JOIN LATERAL (VALUES (travelled.country), ('*')) AS place (country)
    CROSS JOIN LATERAL (VALUES (travelled.segment), ('all')) AS part (segment)
    GROUP BY place.country, part.segment, counts_under.rolled, travelled.tenth
    WINDOW cell AS (PARTITION BY place.country, part.segment, counts_under.rolled)
),

days AS (
    SELECT
        travel.country,
        travel.segment,
        travel.lateness,
        min(travel.tenth) FILTER (WHERE travel.so_far >= 0.5 * travel.n) / 10.0 AS median,
        min(travel.tenth) FILTER (WHERE travel.so_far >= 0.9 * travel.n) / 10.0 AS p90
    FROM travel
    WHERE travel.n >= %(least)s
    GROUP BY travel.country, travel.segment, travel.lateness
),

bits AS (
    SELECT
        counts_under.rolled AS lateness,
        bit_or(counts_under.bit) AS bits
    FROM counts_under
    GROUP BY counts_under.rolled
),

customer AS (
    SELECT
        known_customer.country,
        known_customer.segment,
        bits.lateness,
        sum(known_customer.customers) AS n
    FROM (
        SELECT
            known_customer.country,
            known_customer.segment,
            known_customer.bits,
            count(*) AS customers
        FROM known_customer
        GROUP BY known_customer.country, known_customer.segment, known_customer.bits
    ) AS known_customer
    INNER JOIN bits ON known_customer.bits & bits.bits <> 0
    GROUP BY known_customer.country, known_customer.segment, bits.lateness
)

INSERT INTO serving.delivery_experience (
    destination_country,
    segment,
    lateness,
    orders,
    customers,
    orders_open,
    orders_due,
    late_share,
    late_lower,
    late_upper,
    median_days,
    p90_days,
    mean_days_late,
    repeat_n,
    repeat_n_complete,
    repeat_share,
    repeat_lower,
    repeat_upper,
    median_days_to_next_order,
    return_n,
    return_n_complete,
    return_share,
    return_lower,
    return_upper,
    currency,
    value_n,
    mean_order_value,
    mean_value_returned,
    mean_value_next,
    repeat_difference,
    repeat_difference_lower,
    repeat_difference_upper,
    repeat_difference_n,
    return_difference,
    return_difference_lower,
    return_difference_upper,
    return_difference_n,
    value_difference,
    value_difference_lower,
    value_difference_upper,
    value_difference_n,
    refreshed_at
)
SELECT
    rolled.country,
    rolled.segment,
    rolled.lateness,
    coalesce(rolled.n, 0) AS orders,
    coalesce(customer.n, 0) AS customers,
    CASE WHEN rolled.lateness = 'all' THEN coalesce(rolled.open, 0) END AS orders_open,
    CASE WHEN rolled.lateness = 'all' THEN rolled.due END AS orders_due,
    CASE WHEN enough.to_be_late THEN rolled.late_share END AS late_share,
    CASE WHEN enough.to_be_late THEN serving.wilson_bound(rolled.late_share, rolled.due, -%(z)s) END AS late_lower,
    CASE WHEN enough.to_be_late THEN serving.wilson_bound(rolled.late_share, rolled.due, %(z)s) END AS late_upper,
    days.median,
    days.p90,
    CASE WHEN rolled.dated >= %(least)s THEN rolled.days_late END AS mean_days_late,
    coalesce(again.n, 0) AS repeat_n,
    coalesce(again.complete, 0) AS repeat_n_complete,
    CASE WHEN enough.to_repeat THEN again.share END AS repeat_share,
    CASE WHEN enough.to_repeat THEN again.lower END AS repeat_lower,
    CASE WHEN enough.to_repeat THEN again.upper END AS repeat_upper,
    CASE WHEN enough.to_repeat THEN again.median_day END AS median_days_to_next_order,
    coalesce(back.n, 0) AS return_n,
    coalesce(back.complete, 0) AS return_n_complete,
    CASE WHEN enough.to_return THEN back.share END AS return_share,
    CASE WHEN enough.to_return THEN back.lower END AS return_lower,
    CASE WHEN enough.to_return THEN back.upper END AS return_upper,
    worth.currency,
    coalesce(worth.n, 0) AS value_n,
    CASE WHEN enough.to_be_worth THEN worth.value END AS mean_order_value,
    CASE WHEN enough.to_be_worth THEN worth.returned END AS mean_value_returned,
    CASE WHEN enough.to_be_worth THEN worth.next END AS mean_value_next,
    CASE WHEN enough.to_compare_repeats THEN repeats.difference END AS repeat_difference,
    CASE WHEN enough.to_compare_repeats THEN repeats.lower END AS repeat_difference_lower,
    CASE WHEN enough.to_compare_repeats THEN repeats.upper END AS repeat_difference_upper,
    coalesce(repeats.n, 0) AS repeat_difference_n,
    CASE WHEN enough.to_compare_returns THEN returns.difference END AS return_difference,
    CASE WHEN enough.to_compare_returns THEN returns.lower END AS return_difference_lower,
    CASE WHEN enough.to_compare_returns THEN returns.upper END AS return_difference_upper,
    coalesce(returns.n, 0) AS return_difference_n,
    CASE WHEN enough.to_compare_worth THEN worth.difference END AS value_difference,
    CASE WHEN enough.to_compare_worth THEN worth.lower END AS value_difference_lower,
    CASE WHEN enough.to_compare_worth THEN worth.upper END AS value_difference_upper,
    coalesce(worth.difference_n, 0) AS value_difference_n,
    %(as_of)s AS refreshed_at
FROM rolled
LEFT JOIN days
    ON rolled.country = days.country AND rolled.segment = days.segment AND rolled.lateness = days.lateness
LEFT JOIN customer
    ON rolled.country = customer.country AND rolled.segment = customer.segment AND rolled.lateness = customer.lateness
LEFT JOIN share AS again
    ON
        again.outcome = 'repeat'
        AND rolled.country = again.country
        AND rolled.segment = again.segment
        AND rolled.lateness = again.lateness
LEFT JOIN share AS back
    ON
        back.outcome = 'return'
        AND rolled.country = back.country
        AND rolled.segment = back.segment
        AND rolled.lateness = back.lateness
LEFT JOIN worth
    ON rolled.country = worth.country AND rolled.segment = worth.segment AND rolled.lateness = worth.lateness
LEFT JOIN difference AS repeats
    ON
        repeats.outcome = 'repeat'
        AND rolled.country = repeats.country
        AND rolled.segment = repeats.segment
        AND rolled.lateness = repeats.lateness
LEFT JOIN difference AS returns
    ON
        returns.outcome = 'return'
        AND rolled.country = returns.country
        AND rolled.segment = returns.segment
        AND rolled.lateness = returns.lateness
CROSS JOIN LATERAL (
    SELECT
        rolled.lateness = 'all' AND rolled.due >= %(least)s AS to_be_late,
        again.complete >= %(least)s AS to_repeat,
        back.complete >= %(least)s AS to_return,
        worth.n >= %(least)s AS to_be_worth,
        least(repeats.complete, repeats.on_time_complete) >= %(least)s AS to_compare_repeats,
        least(returns.complete, returns.on_time_complete) >= %(least)s AS to_compare_returns,
        least(worth.difference_n, worth.on_time_n) >= %(least)s AS to_compare_worth
) AS enough;

INSERT INTO serving.delivery_experience_state AS known (refreshed_at, orders)
SELECT
    %(as_of)s,
    count(*)
FROM core.customer_order
ON CONFLICT (only_row) DO UPDATE SET refreshed_at = excluded.refreshed_at, orders = excluded.orders;
