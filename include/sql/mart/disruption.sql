-- Grain: one row per episode of a disruption. Empty places are NULL here.
CREATE OR REPLACE VIEW mart.disruption AS
SELECT
    disruption.disruption_id,
    disruption.cell,
    nullif(disruption.country, '') AS country,
    nullif(disruption.region, '') AS region,
    nullif(disruption.origin_country, '') AS origin_country,
    nullif(disruption.destination_country, '') AS destination_country,
    regexp_replace(disruption.step, ' (at the origin|at the destination|between)$', '') AS milestone,
    disruption.step,
    disruption.part_of AS parent_disruption_id,
    disruption.started_on,
    disruption.alarmed_at,
    disruption.ended_on,
    disruption.ended_at,
    disruption.observed,
    disruption.expected::numeric AS expected,
    (disruption.observed / nullif(disruption.expected, 0))::numeric AS ratio,
    disruption.probability::numeric AS probability,
    disruption.parcels_caught,
    disruption.extra_days::numeric AS extra_days,
    disruption.reasons,
    CASE disruption.cell
        WHEN 'country' THEN 'in ' || disruption.country
        WHEN 'region' THEN 'in ' || disruption.region
        ELSE 'from ' || disruption.origin_country || ' to ' || disruption.destination_country
    END AS place,
    disruption.refreshed_at
FROM serving.disruption AS disruption;
