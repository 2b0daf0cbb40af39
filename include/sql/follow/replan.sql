-- Grain: one row per parcel that the run asked for: when it is asked for next, and why. Plain: every two hours while
-- news comes; longer, up to a day, the longer nothing comes; never again once finished. Spread by a tenth, so that
-- parcels asked for together do not stay together. Part of the load's transaction: done once, or not at all.
WITH asked AS (
    SELECT
        request.shipment_id,
        request.outcome,
        known.finished_at IS NOT NULL AS is_finished,
        EXISTS (
            SELECT FROM core.tracking_event AS event
            WHERE event.shipment_id = request.shipment_id AND event.run_number = %(run_number)s
        ) AS has_news
    FROM ops.poll_request AS request
    INNER JOIN core.shipment_number AS known ON request.shipment_id = known.shipment_id
    WHERE request.run_id = %(run_id)s
),

weighed AS (
    SELECT
        asked.*,
        CASE WHEN asked.has_news THEN 0 ELSE planned.polls_without_news + 1 END AS polls_without_news
    FROM asked
    INNER JOIN ops.poll_plan AS planned ON asked.shipment_id = planned.shipment_id
)

UPDATE ops.poll_plan AS planned SET
    last_polled_at = %(as_of)s,
    last_outcome = weighed.outcome,
    polls = planned.polls + 1,
    polls_without_news = weighed.polls_without_news,
    next_poll_at = CASE
        WHEN NOT weighed.is_finished
            THEN
                %(as_of)s
                + least(interval '2 hours' * power(1.5, greatest(weighed.polls_without_news - 2, 0)), interval '1 day')
                * (0.95 + (weighed.shipment_id %% 101) / 1000.0)
    END,
    reason = CASE
        WHEN weighed.is_finished THEN 'finished'
        WHEN weighed.outcome = 'failed' THEN 'the last answer failed'
        WHEN weighed.outcome = 'not_found' THEN 'the carrier does not know it yet'
        WHEN weighed.has_news THEN 'news came with the last answer'
        ELSE 'no news in the last ' || weighed.polls_without_news || ' answers'
    END
FROM weighed
WHERE planned.shipment_id = weighed.shipment_id;
