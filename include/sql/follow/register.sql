-- Grain: one row per tracking number given by hand that no shipment has: it is followed from now on.
WITH opened AS (
    INSERT INTO core.shipment_number (carrier, tracking_number, epoch, opened_at)
    SELECT
        %(carrier)s,
        given.tracking_number,
        1,
        %(as_of)s
    FROM unnest(%(numbers)s::text []) AS given (tracking_number)
    WHERE
        NOT EXISTS (
            SELECT FROM core.shipment_number AS known
            WHERE
                known.tracking_number = given.tracking_number
                AND (known.carrier = %(carrier)s OR %(carrier)s = 'unknown')
        )
    ON CONFLICT (carrier, tracking_number, epoch) DO NOTHING
    RETURNING shipment_id, carrier, tracking_number, epoch
)

INSERT INTO core.shipment (shipment_id, carrier, tracking_number, epoch, run_id, ingested_at, changed_at)
SELECT
    shipment_id,
    carrier,
    tracking_number,
    epoch,
    %(run_id)s,
    %(as_of)s,
    %(as_of)s
FROM opened;
