-- Grain: one row per staged row of a shipment that, with all that is told and known of it, would be delivered before it
-- was handed over. No single row shows that, so the gate can't see it: it is quarantined here, under the gate's rule.
WITH contradiction AS (
    DELETE FROM told
    USING core.shipment_number AS known
    INNER JOIN core.shipment AS shipment ON known.shipment_id = shipment.shipment_id
    WHERE
        known.carrier = told.carrier
        AND known.tracking_number = told.number
        AND known.epoch = told.epoch
        AND coalesce(told.delivered_at, shipment.delivered_at) < coalesce(told.shipped_at, shipment.shipped_at)
    RETURNING
        told.carrier,
        told.number,
        told.epoch,
        coalesce(told.delivered_at, shipment.delivered_at) AS delivered_at,
        coalesce(told.shipped_at, shipment.shipped_at) AS shipped_at
),

contradiction_within AS (
    DELETE FROM told
    WHERE told.delivered_at < told.shipped_at
    RETURNING told.carrier, told.number, told.epoch, told.delivered_at, told.shipped_at
)

INSERT INTO {rejected} (staged_row, rule, severity, reason)
SELECT DISTINCT ON (arriving.staged_row)
    arriving.staged_row,
    'delivered_before_handed_over',
    'row',
    'with what else is told of the shipment, delivered_at ' || contradiction.delivered_at
    || ' is before shipped_at ' || contradiction.shipped_at
FROM (
    SELECT * FROM contradiction
    UNION ALL
    SELECT * FROM contradiction_within
) AS contradiction
INNER JOIN arriving
    ON
        contradiction.carrier = arriving.carrier
        AND contradiction.number = arriving.number
        AND contradiction.epoch = arriving.epoch;
