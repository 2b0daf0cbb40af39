-- Writes what is left of the journey of every open shipment anew. Grain: one row per open shipment.
WITH placed AS (
    SELECT
        chosen.shipment_id,
        chosen.milestone,
        chosen.milestone_at,
        chosen.reason,
        chosen.ordered_at,
        chosen.shipped_at,
        kind.*,
        journey_end.outcome,
        coalesce(
            stay.step,
            ops.journey_state(chosen.milestone, chosen.last_country, chosen.origin_country, chosen.destination_country)
        ) AS step,
        coalesce(stay.country, chosen.last_country) AS country,
        CASE coalesce(stay.country, chosen.last_country)
            WHEN chosen.destination_country THEN chosen.destination_region
            WHEN chosen.origin_country THEN chosen.origin_region
        END AS region,
        coalesce(stay.step || CASE WHEN stay.delayed_at IS NOT NULL THEN ', delayed' ELSE '' END, '') AS state,
        least(
            coalesce(stay.from_at, chosen.milestone_at, chosen.shipped_at, chosen.ordered_at, chosen.refreshed_at), %(as_of)s
        ) AS since,
        least(
            coalesce(
                stay.delayed_at, stay.from_at, chosen.milestone_at, chosen.shipped_at, chosen.ordered_at, chosen.refreshed_at
            ),
            %(as_of)s
        ) AS state_since
    FROM chosen
    INNER JOIN journey_end ON chosen.shipment_id = journey_end.shipment_id
    INNER JOIN kind ON journey_end.kind_id = kind.kind_id
    LEFT JOIN stay ON chosen.shipment_id = stay.shipment_id AND stay.is_last
),

-- Grain: one row per shipment with scans: the newest, whatever it says.
scanned AS (
    SELECT
        shipment_id,
        max(occurred_at) FILTER (WHERE milestone <> 'tracking_expired') AS last_scan_at
    FROM scan
    GROUP BY shipment_id
),

-- Grain: one row per step and kind of shipment: the narrowest lane that knows the step.
usual AS (
    SELECT DISTINCT ON (asked.step, asked.kind_id)
        asked.step,
        asked.kind_id,
        dwell.p95,
        dwell.moved_on
    FROM (SELECT DISTINCT placed.step, placed.kind_id FROM placed) AS asked
    INNER JOIN kind_lane ON asked.kind_id = kind_lane.kind_id
    INNER JOIN serving.dwell ON asked.step = dwell.step AND kind_lane.lane = dwell.lane
    WHERE dwell.n >= %(least_for_stuck)s
    ORDER BY asked.step, asked.kind_id, dwell.specificity DESC
),

-- Grain: one row per state and kind of shipment: the narrowest lane that knows the state, else any state, everywhere.
ahead AS (
    SELECT DISTINCT ON (asked.state, asked.kind_id)
        asked.state,
        asked.kind_id,
        known.state AS known_state,
        known.level,
        known.n,
        known.remaining
    FROM (SELECT DISTINCT placed.state, placed.kind_id FROM placed) AS asked
    INNER JOIN kind_lane ON asked.kind_id = kind_lane.kind_id
    INNER JOIN serving.remaining_time AS known ON known.state IN (asked.state, '') AND kind_lane.lane = known.lane
    ORDER BY asked.state, asked.kind_id, known.state <> '' DESC, known.specificity DESC
),

-- Grain: one row per shipment that nobody has moved yet and that has a learned curve of its own: what is left of that.
own AS (
    SELECT
        placed.shipment_id,
        learned.model_version,
        serving.remaining_by_curve(
            learned.curve,
            serving.age_bounds('order_to_door'),
            extract(EPOCH FROM %(as_of)s - placed.ordered_at)::double precision / 86400
        ) AS remaining
    FROM placed
    INNER JOIN serving.learned_shipment_curve AS learned
        ON
            placed.shipment_id = learned.shipment_id
            AND learned.measure = 'order_to_door'
            AND placed.ordered_at = learned.starts_at
    INNER JOIN serving.delivery_model AS model ON learned.model_version = model.version AND model.status = 'serving'
    WHERE placed.milestone IN ('registered', 'info_received') AND placed.shipped_at IS NULL
)

INSERT INTO serving.shipment_eta (
    shipment_id,
    milestone,
    milestone_at,
    step,
    state,
    country,
    region,
    since,
    state_since,
    last_scan_at,
    is_in_sight,
    reason,
    remaining,
    level,
    basis,
    n,
    stuck_at,
    dwell_p95,
    stays_longer,
    refreshed_at
)
SELECT
    placed.shipment_id,
    placed.milestone,
    placed.milestone_at,
    placed.step,
    placed.state,
    placed.country,
    placed.region,
    placed.since,
    placed.state_since,
    scanned.last_scan_at,
    placed.milestone <> 'tracking_expired' AS is_in_sight,
    placed.reason,
    CASE
        WHEN own.remaining IS NOT NULL THEN own.remaining
        WHEN placed.milestone <> 'returning'
            THEN serving.remaining_at(ahead.remaining, extract(EPOCH FROM %(as_of)s - placed.state_since) / 86400)
    END AS remaining,
    CASE WHEN placed.milestone <> 'returning' AND own.remaining IS NULL THEN ahead.level END AS level,
    CASE
        WHEN own.remaining IS NOT NULL THEN 'learned hazard ' || own.model_version || ' of the parcel''s own features'
        WHEN placed.milestone = 'returning' THEN 'it is on its way back'
        WHEN ahead.n IS NULL THEN 'nothing is known of any journey yet'
        ELSE concat_ws(
            ' ',
            ahead.n,
            CASE
                WHEN ahead.known_state <> '' THEN 'parcels at ' || ahead.known_state
                WHEN ahead.n = 1 THEN 'stay at any step'
                ELSE 'stays at any step'
            END,
            CASE ahead.level
                WHEN 'world' THEN 'anywhere'
                WHEN 'destination_country' THEN 'to ' || placed.destination_country
                ELSE concat_ws(
                    ' ',
                    'from',
                    placed.origin_country,
                    'to',
                    placed.destination_country,
                    CASE WHEN ahead.level IN ('carrier', 'service') THEN 'by ' || placed.carrier END,
                    CASE WHEN ahead.level = 'service' THEN placed.service END
                )
            END
        )
    END AS basis,
    CASE WHEN placed.milestone <> 'returning' AND own.remaining IS NULL THEN coalesce(ahead.n, 0) ELSE 0 END AS n,
    CASE WHEN placed.milestone <> 'returning' THEN placed.since + make_interval(secs => usual.p95 * 86400) END AS stuck_at,
    usual.p95 AS dwell_p95,
    1 - serving.at_age(usual.moved_on, extract(EPOCH FROM %(as_of)s - placed.since)::double precision / 86400) AS stays_longer,
    %(as_of)s AS refreshed_at
FROM placed
LEFT JOIN scanned ON placed.shipment_id = scanned.shipment_id
LEFT JOIN usual ON placed.step = usual.step AND placed.kind_id = usual.kind_id
LEFT JOIN ahead ON placed.state = ahead.state AND placed.kind_id = ahead.kind_id
LEFT JOIN own ON placed.shipment_id = own.shipment_id
ON CONFLICT (shipment_id) DO UPDATE SET
milestone = excluded.milestone,
milestone_at = excluded.milestone_at,
step = excluded.step,
state = excluded.state,
country = excluded.country,
region = excluded.region,
since = excluded.since,
state_since = excluded.state_since,
last_scan_at = excluded.last_scan_at,
is_in_sight = excluded.is_in_sight,
reason = excluded.reason,
remaining = excluded.remaining,
level = excluded.level,
basis = excluded.basis,
n = excluded.n,
stuck_at = excluded.stuck_at,
dwell_p95 = excluded.dwell_p95,
stays_longer = excluded.stays_longer,
refreshed_at = excluded.refreshed_at;

DELETE FROM serving.shipment_eta
WHERE NOT EXISTS (SELECT FROM chosen WHERE chosen.shipment_id = shipment_eta.shipment_id);
