-- Grain of the temporary table `share`: one row per outcome, country ('*' for all), segment ('all') and lateness ('late', 'all')
-- that anybody was followed in: what share of orders had the event by the horizon, by Kaplan and Meier (1958), with Wilson's bounds
-- for the effective number: as many orders, all of them followed to the end, would leave the same uncertainty (Dorey and Korn, 1987).
CREATE TEMPORARY TABLE share ON COMMIT DROP AS
WITH rolled AS (
    SELECT
        day_count.outcome,
        place.country,
        part.segment,
        counts_under.rolled AS lateness,
        day_count.day,
        coalesce(sum(day_count.n) FILTER (WHERE day_count.is_event), 0)::double precision AS events,
        coalesce(sum(day_count.n) FILTER (WHERE NOT day_count.is_event), 0)::double precision AS censored,
        sum(day_count.complete)::double precision AS complete,
        coalesce(sum(day_count.complete) FILTER (WHERE day_count.is_event), 0)::double precision AS complete_events
    FROM day_count
    INNER JOIN counts_under ON day_count.lateness = counts_under.lateness
    CROSS JOIN LATERAL (VALUES (day_count.country), ('*')) AS place (country)
    CROSS JOIN LATERAL (VALUES (day_count.segment), ('all')) AS part (segment)
    GROUP BY day_count.outcome, place.country, part.segment, counts_under.rolled, day_count.day
),

-- Grain: one row per day of a cell. Who is censored on a day was not followed through it.
risk AS (
    SELECT
        rolled.*,
        sum(rolled.events + rolled.censored) OVER later - rolled.censored AS at_risk,
        sum(rolled.complete_events) OVER earlier AS complete_so_far,
        sum(rolled.complete_events) OVER cell AS complete_all
    FROM rolled
    WINDOW
        cell AS (PARTITION BY rolled.outcome, rolled.country, rolled.segment, rolled.lateness),
        earlier AS (cell ORDER BY rolled.day ROWS UNBOUNDED PRECEDING),
        later AS (cell ORDER BY rolled.day DESC ROWS UNBOUNDED PRECEDING)
),

-- Grain: one row per cell; `kept` is the share without the event, `noise` Greenwood's sum.
estimate AS (
    SELECT
        risk.outcome,
        risk.country,
        risk.segment,
        risk.lateness,
        sum(risk.events + risk.censored) AS n,
        sum(risk.complete) AS complete,
        CASE
            WHEN bool_or(risk.events = risk.at_risk AND risk.events > 0) THEN 0
            ELSE exp(coalesce(sum(ln(1 - risk.events / risk.at_risk)) FILTER (WHERE risk.events < risk.at_risk), 0))
        END AS kept,
        sum(risk.events / (risk.at_risk * (risk.at_risk - risk.events))) FILTER (WHERE risk.events < risk.at_risk) AS noise,
        min(risk.day) FILTER (WHERE risk.complete_so_far >= risk.complete_all / 2 AND risk.complete_all > 0) AS median_day
    FROM risk
    GROUP BY risk.outcome, risk.country, risk.segment, risk.lateness
),

-- Grain: the same. Where nobody or everybody had the event, those who were followed to the end tell how sure that is.
weighed AS (
    SELECT
        estimate.*,
        -- what nobody was followed to is not known
        CASE WHEN estimate.complete > 0 THEN 1 - estimate.kept END AS share,
        CASE
            WHEN estimate.kept > 0 AND estimate.noise > 0 THEN (1 - estimate.kept) / (estimate.kept * estimate.noise)
            ELSE nullif(estimate.complete, 0)
        END AS effective_n
    FROM estimate
)

SELECT
    weighed.outcome,
    weighed.country,
    weighed.segment,
    weighed.lateness,
    weighed.n,
    weighed.complete,
    weighed.share,
    serving.wilson_bound(weighed.share, weighed.effective_n, -%(z)s) AS lower,
    serving.wilson_bound(weighed.share, weighed.effective_n, %(z)s) AS upper,
    weighed.median_day
FROM weighed;
