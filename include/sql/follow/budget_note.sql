-- Grain: the row of one account: its carrier counts as down, and is left alone for a while, or it answers again.
UPDATE ops.carrier_account SET
    down_since = CASE WHEN %(down)s THEN coalesce(down_since, clock_timestamp()) END,
    down_until = CASE WHEN %(down)s THEN clock_timestamp() + interval '1 second' * %(pause)s END
WHERE account = %(account)s;
