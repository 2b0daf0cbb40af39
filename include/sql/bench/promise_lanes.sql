-- Lanes to ask promises of: half of all countries send to all, by three carriers and two services on every fifth lane, with curves
-- of 60 bins, each lane's its own. Grain: one row per lane and clock.
WITH origin AS (
    SELECT
        country.country,
        row_number() OVER (ORDER BY country.country) AS place
    FROM core.country
    ORDER BY country.country
    LIMIT %(origins)s
),

lane AS (
    SELECT
        1 AS specificity,
        'world' AS level,
        NULL AS origin_country,
        NULL AS destination_country,
        NULL AS carrier,
        NULL AS service
    UNION ALL
    SELECT
        2,
        'destination_country',
        NULL,
        country.country,
        NULL,
        NULL
    FROM core.country
    UNION ALL
    SELECT
        made.specificity,
        made.level,
        origin.country,
        country.country,
        made.carrier,
        made.service
    FROM origin
    CROSS JOIN core.country
    CROSS JOIN LATERAL (
        VALUES
        (3, 'lane_country', NULL, NULL),
        (5, 'carrier', 'ups', NULL),
        (5, 'carrier', 'dhl', NULL),
        (5, 'carrier', 'fedex', NULL),
        (6, 'service', 'ups', 'express'),
        (6, 'service', 'dhl', 'economy')
    ) AS made (specificity, level, carrier, service)
    WHERE made.specificity < 6 OR (origin.place + ascii(country.country) + ascii(substr(country.country, 2))) %% 5 = 0
)

INSERT INTO serving.delivery_time (
    lane, level, specificity, origin_country, destination_country, carrier, service, measure, n, n_delivered, n_in_transit,
    n_lost_or_returned, basis, effective_n, curve, refreshed_at
)
SELECT
    serving.lane(lane.origin_country, NULL, lane.destination_country, NULL, lane.carrier, lane.service),
    lane.level,
    lane.specificity,
    lane.origin_country,
    lane.destination_country,
    lane.carrier,
    lane.service,
    clock.measure,
    100,
    100,
    0,
    0,
    'life table',
    50,
    (
        SELECT array_agg(
            CASE WHEN age.place = 60 THEN 1 ELSE 1 - exp(-least(power(age.days / clock.scale, 3), 30)) END ORDER BY age.place
        )
        FROM unnest(serving.age_bounds(clock.measure)) WITH ORDINALITY AS age (days, place)
        WHERE age.place <= 60
    ),
    (SELECT ops.as_of())
FROM lane
CROSS JOIN LATERAL (
    VALUES
    ('order_to_door', 12 + abs(hashtext(lane.origin_country || lane.destination_country)) %% 20),
    ('handover_to_door', 10 + abs(hashtext(lane.origin_country || lane.destination_country)) %% 20)
) AS clock (measure, scale)
