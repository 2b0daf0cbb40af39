-- Stays as they are without disruptions: a stay ends, unseen, where an episode that holds it begins; one that began within an
-- episode, or in the week after, is left out. Else a strike would teach that it is usual.
-- Grain of the temporary table: one row per stay that is left.
CREATE TEMPORARY TABLE normal_stay ON COMMIT DROP AS
SELECT
    stay.step,
    stay.kind_id,
    extract(EPOCH FROM least(stay.until_at, caught.began_at) - stay.from_at) / 86400 AS days,
    CASE WHEN caught.began_at < stay.until_at THEN 0 ELSE stay.outcome END AS outcome
FROM stay
INNER JOIN kind ON stay.kind_id = kind.kind_id
INNER JOIN chosen ON stay.shipment_id = chosen.shipment_id
LEFT JOIN LATERAL (
    SELECT min(disruption.started_on)::timestamptz AS began_at
    FROM serving.disruption
    WHERE
        disruption.step = stay.step
        AND disruption.started_on < stay.until_at
        AND coalesce(disruption.ended_on + 7, 'infinity') > stay.from_at
        AND CASE disruption.cell
            WHEN 'country' THEN disruption.country = stay.country
            WHEN 'region' THEN disruption.region = CASE stay.country
                WHEN kind.destination_country THEN chosen.destination_region
                WHEN kind.origin_country THEN chosen.origin_region
            END
            ELSE
                disruption.origin_country = kind.origin_country
                AND disruption.destination_country = kind.destination_country
        END
) AS caught ON true
WHERE caught.began_at IS NULL OR stay.from_at < caught.began_at;
