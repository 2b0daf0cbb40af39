-- Bounds of a share that was seen among so many: Wilson's (1927) interval, its lower one for a negative z and its upper one for a
-- positive. `seen` may be an effective number.
CREATE OR REPLACE FUNCTION serving.wilson_bound(share double precision, seen double precision, z double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE
RETURN least(greatest(
    (share + z * z / (2 * seen) + z * sqrt(share * (1 - share) / seen + z * z / (4 * seen * seen))) / (1 + z * z / seen), 0
), 1);

-- Grain: one row per destination country (NULL for all), segment and lateness.
CREATE OR REPLACE VIEW mart.delivery_experience AS
SELECT
    nullif(told.destination_country, '*') AS destination_country,
    told.segment,
    told.lateness,
    told.orders,
    told.customers,
    told.orders_open,
    told.orders_due,
    told.late_share::numeric AS late_share,
    told.late_lower::numeric AS late_lower,
    told.late_upper::numeric AS late_upper,
    told.median_days::numeric AS median_days,
    told.p90_days::numeric AS p90_days,
    told.mean_days_late::numeric AS mean_days_late,
    told.repeat_n,
    told.repeat_n_complete,
    told.repeat_share::numeric AS repeat_share,
    told.repeat_lower::numeric AS repeat_lower,
    told.repeat_upper::numeric AS repeat_upper,
    told.median_days_to_next_order,
    told.return_n,
    told.return_n_complete,
    told.return_share::numeric AS return_share,
    told.return_lower::numeric AS return_lower,
    told.return_upper::numeric AS return_upper,
    told.currency,
    told.value_n,
    told.mean_order_value::numeric AS mean_order_value,
    told.mean_value_returned::numeric AS mean_value_returned,
    told.mean_value_next::numeric AS mean_value_next,
    told.repeat_difference::numeric AS repeat_difference,
    told.repeat_difference_lower::numeric AS repeat_difference_lower,
    told.repeat_difference_upper::numeric AS repeat_difference_upper,
    told.repeat_difference_n,
    told.return_difference::numeric AS return_difference,
    told.return_difference_lower::numeric AS return_difference_lower,
    told.return_difference_upper::numeric AS return_difference_upper,
    told.return_difference_n,
    told.value_difference::numeric AS value_difference,
    told.value_difference_lower::numeric AS value_difference_lower,
    told.value_difference_upper::numeric AS value_difference_upper,
    told.value_difference_n,
    told.refreshed_at
FROM serving.delivery_experience AS told;
