-- What asking many carriers takes.

-- ------------------------------------------------------------------------------------------------------ budget

-- Grain: one row per account that carriers are asked with, by its connection's name (`lanecast_ups`) or `sandbox:ups`.
-- next_call_at is the pace that all workers share; a carrier that counts as down is left alone until down_until.
CREATE TABLE ops.carrier_account (
    account text PRIMARY KEY,
    carrier text NOT NULL,
    requests_per_second double precision NOT NULL CHECK (requests_per_second > 0),
    next_call_at timestamptz NOT NULL,
    down_since timestamptz,
    down_until timestamptz,
    CHECK ((down_since IS NULL) = (down_until IS NULL))
) WITH (fillfactor = 50);

-- Grain: one row per account and UTC day or month, by its first day: calls counted (tokens and retries included), and
-- calls allowed (NULL where nothing limits them). A call is counted before it is made.
CREATE TABLE ops.carrier_budget (
    account text NOT NULL,
    period text NOT NULL CHECK (period IN ('day', 'month')),
    starts_on date NOT NULL,
    calls bigint NOT NULL DEFAULT 0 CHECK (calls >= 0),
    allowed bigint CHECK (allowed > 0),
    PRIMARY KEY (account, period, starts_on)
) WITH (fillfactor = 50);
