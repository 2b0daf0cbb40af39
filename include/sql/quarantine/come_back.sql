-- Grain: one row per event or problem that a parcel tells today which could not be read before.
INSERT INTO {staged}
SELECT * FROM come_back; -- noqa: AM04
