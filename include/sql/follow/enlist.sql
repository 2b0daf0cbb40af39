-- Grain: one row per open shipment that some source can be asked about: from its first sight on, it is due at once. A piece
-- that a pull found under another number has been told of with that answer, and is due two hours later. Who is asked: the
-- source of its carrier, else the one for all other carriers (an aggregator), if there is one.
INSERT INTO ops.poll_plan (shipment_id, carrier, source, next_poll_at, reason)
SELECT
    open.shipment_id,
    open.carrier,
    coalesce(asked.source, %(for_others)s),
    coalesce(pull.as_of + interval '2 hours', %(as_of)s),
    CASE WHEN pull.run_id IS NULL THEN 'new: never asked for' ELSE 'told of with another piece of its shipment' END
FROM core.shipment_number AS open
INNER JOIN core.shipment AS shipment ON open.shipment_id = shipment.shipment_id
LEFT JOIN unnest(%(carriers)s::text [], %(sources)s::text []) AS asked (carrier, source) ON open.carrier = asked.carrier
LEFT JOIN ops.run AS pull
    ON shipment.run_id = pull.run_id AND pull.kind = 'pull' AND open.last_event_at IS NOT NULL
WHERE
    open.finished_at IS NULL
    AND coalesce(asked.source, %(for_others)s) IS NOT NULL
    AND shipment.tracking_number IS NOT NULL
    AND NOT EXISTS (SELECT FROM ops.poll_plan AS planned WHERE planned.shipment_id = open.shipment_id)
ON CONFLICT (shipment_id) DO NOTHING;

-- Grain: one row per followed shipment that another source is asked about from now on, for accounts came or went.
UPDATE ops.poll_plan AS planned SET
    source = coalesce(asked.source, %(for_others)s),
    answered_at = NULL
FROM ops.poll_plan AS known
LEFT JOIN unnest(%(carriers)s::text [], %(sources)s::text []) AS asked (carrier, source) ON known.carrier = asked.carrier
WHERE
    planned.shipment_id = known.shipment_id
    AND planned.next_poll_at IS NOT NULL
    AND planned.source <> coalesce(asked.source, %(for_others)s);

-- Grain: one row per followed shipment whose journey ended before it was asked for again, as a file or another source told:
-- no longer asked for. One that its source itself told of is looked at a little longer: follow/replan.sql.
UPDATE ops.poll_plan AS planned SET
    next_poll_at = NULL,
    reason = 'finished'
FROM core.shipment_number AS ended
WHERE
    planned.shipment_id = ended.shipment_id
    AND planned.next_poll_at IS NOT NULL
    AND ended.finished_at IS NOT NULL
    AND planned.reason NOT LIKE 'ended %%';

-- Grain: one row per shipment of which sight had ended, and of which a file or another number's answer has told since.
UPDATE ops.poll_plan AS planned SET
    next_poll_at = %(as_of)s,
    reason = 'heard of again'
FROM core.shipment_number AS known
WHERE
    planned.shipment_id = known.shipment_id
    AND planned.next_poll_at IS NULL
    AND planned.reason LIKE 'tracking expired%%'
    AND known.finished_at IS NULL
    AND known.last_event_at + %(silence)s > %(as_of)s;

-- Grain: one row per shipment asked for by hand that is not followed, such as one that a file told the end of.
INSERT INTO ops.poll_plan (shipment_id, carrier, source, reason)
SELECT
    shipment.shipment_id,
    shipment.carrier,
    coalesce(%(only_source)s, asked.source, %(for_others)s),
    'asked for by hand'
FROM core.shipment AS shipment
LEFT JOIN unnest(%(carriers)s::text [], %(sources)s::text []) AS asked (carrier, source)
    ON shipment.carrier = asked.carrier
WHERE
    shipment.tracking_number = ANY(%(numbers)s::text [])
    AND (%(carrier)s IS NULL OR shipment.carrier = %(carrier)s)
    AND coalesce(%(only_source)s, asked.source, %(for_others)s) IS NOT NULL
ON CONFLICT (shipment_id) DO NOTHING;
