-- Grain: one row for each of the five busiest country lanes.
SELECT
    origin_country || ' → ' || destination_country AS lane,
    n,
    n_delivered,
    n_in_transit,
    round(p10, 1) AS p10,
    round(p50, 1) AS p50,
    round(p90, 1) AS p90
FROM mart.delivery_time
WHERE level = 'lane_country' AND measure = 'order_to_door' AND n_delivered > 0
ORDER BY n DESC, lane
LIMIT 5;
