-- What customers experienced of delivery, and what they did after it.

-- Grain: one row per destination country ('*' for all), segment ('all' for all) and lateness ('late' for the three late ones, 'all'
-- for all). All rows are replaced at once by each refresh. Shares and days are NULL where too few orders tell of them.
CREATE TABLE serving.delivery_experience (
    destination_country text NOT NULL,
    segment text NOT NULL,
    lateness text NOT NULL,
    orders bigint NOT NULL,
    customers bigint NOT NULL,
    orders_open bigint,
    orders_due bigint,
    late_share double precision,
    late_lower double precision,
    late_upper double precision,
    median_days double precision,
    p90_days double precision,
    mean_days_late double precision,
    repeat_n bigint NOT NULL,
    repeat_n_complete bigint NOT NULL,
    repeat_share double precision,
    repeat_lower double precision,
    repeat_upper double precision,
    median_days_to_next_order smallint,
    return_n bigint NOT NULL,
    return_n_complete bigint NOT NULL,
    return_share double precision,
    return_lower double precision,
    return_upper double precision,
    currency text,
    value_n bigint NOT NULL,
    mean_order_value double precision,
    mean_value_returned double precision,
    mean_value_next double precision,
    repeat_difference double precision,
    repeat_difference_lower double precision,
    repeat_difference_upper double precision,
    repeat_difference_n bigint NOT NULL,
    return_difference double precision,
    return_difference_lower double precision,
    return_difference_upper double precision,
    return_difference_n bigint NOT NULL,
    value_difference double precision,
    value_difference_lower double precision,
    value_difference_upper double precision,
    value_difference_n bigint NOT NULL,
    refreshed_at timestamptz NOT NULL,
    PRIMARY KEY (destination_country, segment, lateness)
);

-- Grain: one row at most: the last refresh, and how many orders there were then.
CREATE TABLE serving.delivery_experience_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    refreshed_at timestamptz NOT NULL,
    orders bigint NOT NULL
);
