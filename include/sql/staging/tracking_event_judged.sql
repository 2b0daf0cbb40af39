-- Grain: one row per staged event, as the gate's rules see it: with what they need of the parcel's earlier scans in the
-- same batch, and of what core knows of its number. A rule that names none of this costs none of it: Postgres leaves out
-- joins and window functions that nothing reads. Scans of one moment have no order, so that earlier is strictly earlier.
CREATE VIEW {judged} AS
SELECT
    told.*, -- noqa: AM04
    CASE
        WHEN told.is_placed AND told.placed_in <> told.country
            THEN (
                SELECT distance.km
                FROM core.country_distance AS distance
                WHERE distance.country = told.placed_in AND distance.other_country = told.country
            )
    END AS least_km
FROM (
    SELECT
        staged.*,
        known.is_registered,
        known.used_from,
        place.is_told AS is_placed,
        to_timestamp(max(scan.mark) OVER earlier / 65536) AS placed_at,
        chr((max(scan.mark) OVER earlier / 256 %% 256)::integer)
        || chr((max(scan.mark) OVER earlier %% 256)::integer) AS placed_in,
        max(staged.occurred_at) FILTER (WHERE staged.milestone = 'delivered') OVER earlier AS delivered_before,
        max(staged.occurred_at) FILTER (WHERE staged.milestone IN ('returning', 'returned')) OVER earlier
            AS returning_before,
        max(staged.occurred_at) FILTER (
            WHERE staged.milestone IN ('picked_up', 'export_customs_started', 'export_cleared')
        ) OVER earlier AS under_way_before,
        max(staged.occurred_at) FILTER (WHERE staged.milestone = 'destination_country_arrived') OVER earlier
            AS arrived_before,
        max(staged.occurred_at) FILTER (
            WHERE staged.milestone IN ('out_for_delivery', 'available_for_pickup', 'failed_attempt')
        ) OVER earlier AS at_the_door_before
    FROM {staged} AS staged
    -- where a scan places the parcel itself: papers and customs may be far from it, and an assumed clock hours off
    CROSS JOIN LATERAL (
        SELECT
            staged.tz_known <> 'assumed'
            AND staged.milestone IN (
                'picked_up', 'in_transit', 'hub_arrived', 'hub_departed', 'destination_country_arrived',
                'out_for_delivery', 'available_for_pickup', 'failed_attempt', 'delivered'
            )
            AND staged.occurred_at BETWEEN timestamptz '1990-01-01 00:00:00+00' AND timestamptz '2200-01-01 00:00:00+00'
            AND staged.country ~ '^[A-Z][A-Z]$' AS is_told
    ) AS place
    -- moment and country as one number, of which the greatest is the last: 65536 * second + the two letters
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN place.is_told
                    THEN
                        extract(EPOCH FROM staged.occurred_at)::bigint * 65536
                        + ascii(staged.country) * 256 + ascii(right(staged.country, 1))
            END AS mark
    ) AS scan
    LEFT JOIN (
        SELECT
            parcel.carrier,
            parcel.tracking_number,
            -- where no shipment was ever registered, nobody can tell
            CASE
                WHEN EXISTS (SELECT FROM core.shipment AS any_shipment WHERE any_shipment.order_id IS NOT NULL)
                    THEN count(number.shipment_id) > 0
            END AS is_registered,
            -- where one use of the number does not tell when it began, nothing is too early
            CASE
                WHEN bool_and(coalesce(shipment.ordered_at, shipment.shipped_at) IS NOT NULL)
                    THEN min(least(shipment.ordered_at, shipment.shipped_at))
            END AS used_from
        FROM (SELECT DISTINCT carrier, tracking_number FROM {staged}) AS parcel -- noqa: ST05
        LEFT JOIN core.shipment_number AS number
            ON parcel.carrier = number.carrier AND parcel.tracking_number = number.tracking_number
        LEFT JOIN core.shipment AS shipment ON number.shipment_id = shipment.shipment_id
        GROUP BY parcel.carrier, parcel.tracking_number
    ) AS known
        ON staged.carrier = known.carrier AND staged.tracking_number = known.tracking_number
    -- the number before the carrier: it tells parcels apart at the first comparison
    WINDOW earlier AS (
        PARTITION BY staged.tracking_number, staged.carrier
        ORDER BY staged.occurred_at
        GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
) AS told;
