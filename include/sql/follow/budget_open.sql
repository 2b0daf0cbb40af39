-- Grain: the row of one account, made where it is missing; returns since when its carrier has counted as down.
INSERT INTO ops.carrier_account AS known (account, carrier, requests_per_second, next_call_at)
VALUES (%(account)s, %(carrier)s, %(rate)s, clock_timestamp())
ON CONFLICT (account) DO UPDATE SET requests_per_second = excluded.requests_per_second
RETURNING down_since;
