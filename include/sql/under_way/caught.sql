-- Counts the parcels that are still in the step of an open episode, and the reasons that their scans have told since its start.
-- Reasons are kept as they were told of most parcels. Grain: one row per open episode.
WITH caught AS (
    SELECT
        disruption.disruption_id,
        disruption.started_on,
        eta.shipment_id
    FROM serving.disruption
    INNER JOIN serving.shipment_eta AS eta ON disruption.step = eta.step
    INNER JOIN serving.shipment_status AS status ON eta.shipment_id = status.shipment_id
    WHERE
        disruption.ended_at IS NULL
        AND CASE disruption.cell
            WHEN 'country' THEN disruption.country = eta.country
            WHEN 'region' THEN disruption.region = eta.region
            ELSE
                disruption.origin_country = status.origin_country
                AND disruption.destination_country = status.destination_country
        END
),

told AS (
    SELECT
        caught.disruption_id,
        event.reason,
        count(DISTINCT caught.shipment_id) AS parcels
    FROM caught
    INNER JOIN core.tracking_event AS event ON caught.shipment_id = event.shipment_id
    WHERE
        event.reason IS NOT NULL
        AND event.withdrawn_at IS NULL
        AND event.occurred_at BETWEEN caught.started_on AND %(as_of)s
    GROUP BY caught.disruption_id, event.reason
),

summed AS (
    SELECT
        told.disruption_id,
        jsonb_object_agg(told.reason, told.parcels) AS reasons,
        sum(told.parcels) AS parcels
    FROM told
    GROUP BY told.disruption_id
)

UPDATE serving.disruption
SET
    parcels_caught = (SELECT count(*) FROM caught WHERE caught.disruption_id = disruption.disruption_id),
    reasons = CASE
        WHEN summed.parcels >= (SELECT coalesce(sum(told.value::bigint), 0) FROM jsonb_each_text(disruption.reasons) AS told)
            THEN summed.reasons
        ELSE disruption.reasons
    END
FROM serving.disruption AS open_one
LEFT JOIN summed ON open_one.disruption_id = summed.disruption_id
WHERE disruption.disruption_id = open_one.disruption_id AND open_one.ended_at IS NULL
