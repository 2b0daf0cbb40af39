-- Grain: one row per open shipment. Days left are as of now: what the last run found, less the time since, and never below 0.
CREATE OR REPLACE VIEW mart.shipment_eta AS
SELECT
    eta.shipment_id,
    status.origin_country,
    status.destination_country,
    status.carrier,
    status.service,
    eta.milestone,
    eta.step,
    eta.since AS step_since,
    (extract(EPOCH FROM (SELECT ops.as_of()) - eta.since) / 86400)::numeric AS days_at_step,
    eta.is_in_sight,
    (eta.remaining[1] - least(clock.days_since, eta.remaining[1]))::numeric AS p05,
    (eta.remaining[2] - least(clock.days_since, eta.remaining[2]))::numeric AS p10,
    (eta.remaining[3] - least(clock.days_since, eta.remaining[3]))::numeric AS p25,
    (eta.remaining[4] - least(clock.days_since, eta.remaining[4]))::numeric AS p50,
    (eta.remaining[5] - least(clock.days_since, eta.remaining[5]))::numeric AS p75,
    (eta.remaining[6] - least(clock.days_since, eta.remaining[6]))::numeric AS p90,
    (eta.remaining[7] - least(clock.days_since, eta.remaining[7]))::numeric AS p95,
    serving.date_ahead(eta.refreshed_at, eta.remaining[2], clock.now_if_known, country.zone) AS earliest,
    serving.date_ahead(eta.refreshed_at, eta.remaining[4], clock.now_if_known, country.zone) AS likely,
    serving.date_ahead(eta.refreshed_at, eta.remaining[6], clock.now_if_known, country.zone) AS latest,
    eta.level,
    eta.n,
    eta.basis,
    eta.refreshed_at
FROM serving.shipment_eta AS eta
INNER JOIN serving.shipment_status AS status
    ON
        eta.shipment_id = status.shipment_id
        AND status.milestone NOT IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed')
LEFT JOIN core.country ON status.destination_country = country.country
CROSS JOIN LATERAL (
    SELECT
        greatest(extract(EPOCH FROM (SELECT ops.as_of()) - eta.refreshed_at)::double precision / 86400, 0) AS days_since,
        CASE WHEN eta.remaining IS NOT NULL THEN (SELECT ops.as_of()) END AS now_if_known
) AS clock;
