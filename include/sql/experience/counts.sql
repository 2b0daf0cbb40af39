-- Sums over the experiences, from which every row of the mart follows. A cell is a country ('' where it is not known), a segment
-- and a lateness.

-- Grain of the temporary table `counts_under`: one row per lateness and what it counts under.
CREATE TEMPORARY TABLE counts_under (lateness text NOT NULL, rolled text NOT NULL, bit integer NOT NULL) ON COMMIT DROP;
INSERT INTO counts_under (lateness, rolled, bit)
SELECT
    kind.lateness,
    unnest(CASE WHEN kind.lateness LIKE 'late%%' THEN ARRAY[kind.lateness, 'late', 'all'] ELSE ARRAY[kind.lateness, 'all'] END),
    1 << kind.place::integer
FROM unnest(ARRAY[
    'early', 'on_time', 'late_1_2_days', 'late_3_7_days', 'late_over_a_week', 'never_arrived', 'no_promise', 'open'
]) WITH ORDINALITY AS kind (lateness, place);

-- Grain of `cell`: one row per cell.
CREATE TEMPORARY TABLE cell ON COMMIT DROP AS
SELECT
    experience.country,
    experience.segment,
    experience.lateness,
    count(*) AS n,
    count(*) FILTER (WHERE experience.is_due) AS due,
    count(*) FILTER (WHERE experience.is_late) AS late,
    count(experience.days_late) AS dated,
    sum(experience.days_late) AS days_late
FROM experience
GROUP BY experience.country, experience.segment, experience.lateness;

-- Grain of `travelled`: one row per cell and tenth of a day from order to door, rounded up.
CREATE TEMPORARY TABLE travelled ON COMMIT DROP AS
SELECT
    experience.country,
    experience.segment,
    experience.lateness,
    ceil(experience.days * 10)::integer AS tenth,
    count(*) AS n
FROM experience
WHERE experience.days IS NOT NULL
GROUP BY experience.country, experience.segment, experience.lateness, ceil(experience.days * 10)::integer;

-- Grain of `known_customer`: one row per customer, country and segment, either of them '*' or 'all' too; the bits of each lateness.
CREATE TEMPORARY TABLE known_customer ON COMMIT DROP AS
WITH met AS (
    SELECT
        experience.customer,
        experience.country,
        experience.segment,
        bit_or(counts_under.bit) AS bits
    FROM experience
    INNER JOIN counts_under ON experience.lateness = counts_under.lateness AND counts_under.rolled = 'all'
    WHERE experience.customer IS NOT NULL AND experience.lateness <> 'open'
    GROUP BY experience.customer, experience.country, experience.segment
)

SELECT
    CASE WHEN grouping(met.country) = 1 THEN '*' ELSE met.country END AS country,
    CASE WHEN grouping(met.segment) = 1 THEN 'all' ELSE met.segment END AS segment,
    bit_or(met.bits) AS bits
FROM met
GROUP BY
    met.customer,
    GROUPING SETS ((met.country, met.segment), (met.country), (met.segment), ());

-- Grain of `day_count`: one row per outcome (a repeat purchase, a return), cell and whole day after the experience up to which an
-- order was followed: to its event, or to the last day that has passed, or to the horizon. An event on a day that has not passed
-- is not counted yet: of orders that are followed for a part of it only, some events would be missed.
CREATE TEMPORARY TABLE day_count ON COMMIT DROP AS
WITH outcome AS (
    SELECT
        'repeat' AS outcome,
        experience.country,
        experience.segment,
        experience.lateness,
        %(repeat_days)s AS horizon,
        extract(EPOCH FROM %(as_of)s::timestamptz - experience.felt_at)::double precision / 86400 AS followed_days,
        extract(EPOCH FROM followed.next_at - experience.felt_at)::double precision / 86400 AS event_days
    FROM experience
    INNER JOIN followed ON experience.number = followed.number
    UNION ALL
    SELECT
        'return' AS outcome,
        experience.country,
        experience.segment,
        experience.lateness,
        %(return_days)s AS horizon,
        extract(EPOCH FROM %(as_of)s::timestamptz - experience.felt_at)::double precision / 86400 AS followed_days,
        -- what was given back before the parcel came counts as of the first day
        CASE
            WHEN experience.returned_at <= experience.felt_at THEN 0
            ELSE extract(EPOCH FROM experience.returned_at - experience.felt_at)::double precision / 86400
        END AS event_days
    FROM experience
    WHERE experience.felt_at IS NOT NULL
),

whole AS (
    SELECT
        outcome.outcome,
        outcome.country,
        outcome.segment,
        outcome.lateness,
        outcome.horizon,
        least(floor(outcome.followed_days), outcome.horizon)::smallint AS followed_day,
        floor(outcome.event_days)::integer AS event_day
    FROM outcome
    WHERE outcome.followed_days >= 1
)

SELECT
    whole.outcome,
    whole.country,
    whole.segment,
    whole.lateness,
    least(whole.followed_day, whole.event_day) AS day,
    coalesce(whole.event_day < whole.followed_day, false) AS is_event,
    count(*) AS n,
    count(*) FILTER (WHERE whole.followed_day = whole.horizon) AS complete
FROM whole
GROUP BY
    whole.outcome,
    whole.country,
    whole.segment,
    whole.lateness,
    least(whole.followed_day, whole.event_day),
    coalesce(whole.event_day < whole.followed_day, false);

-- Grain of `value_sum`: one row per cell, currency and whether the customer is known, of orders of which all %(repeat_days)s days
-- have passed: sums of what they were worth, of what came back and of what was ordered next.
CREATE TEMPORARY TABLE value_sum ON COMMIT DROP AS
SELECT
    experience.country,
    experience.segment,
    experience.lateness,
    experience.currency,
    count(*) AS n,
    sum(experience.value)::double precision AS value,
    sum(experience.value_returned)::double precision AS returned,
    count(followed.value_next) AS next_n,
    coalesce(sum(followed.value_next), 0)::double precision AS next,
    coalesce(sum(followed.value_next::double precision ^ 2), 0) AS next_squared
FROM experience
LEFT JOIN followed ON experience.number = followed.number
WHERE
    experience.value IS NOT NULL
    AND experience.currency IS NOT NULL
    AND experience.felt_at + %(repeat_window)s <= %(as_of)s
GROUP BY experience.country, experience.segment, experience.lateness, experience.currency;
