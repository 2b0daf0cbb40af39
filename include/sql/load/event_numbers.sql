-- Grain of the temporary table `arriving`: one row per carrier and tracking number in the batch.
CREATE TEMPORARY TABLE arriving ON COMMIT DROP AS
SELECT
    carrier,
    tracking_number,
    count(*) AS events,
    min(reported_at) AS first_minute,
    max(reported_at) AS last_minute,
    min(occurred_at) AS first_at,
    max(occurred_at) AS last_at,
    max(occurred_at) FILTER (WHERE milestone = ANY(%(final)s)) AS finished_at
FROM accepted
GROUP BY carrier, tracking_number;

ANALYZE arriving;

-- Grain: one row per number never seen: it is registered as a shipment of which nothing is known but its events. One that
-- was asked for by hand may be registered at the same moment: then it is left to that.
WITH opened AS (
    INSERT INTO core.shipment_number (carrier, tracking_number, epoch, opened_at)
    SELECT
        arriving.carrier,
        arriving.tracking_number,
        1,
        arriving.first_at
    FROM arriving
    WHERE
        NOT EXISTS (
            SELECT FROM core.shipment_number AS known
            WHERE known.carrier = arriving.carrier AND known.tracking_number = arriving.tracking_number
        )
    ORDER BY arriving.carrier, arriving.tracking_number
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
