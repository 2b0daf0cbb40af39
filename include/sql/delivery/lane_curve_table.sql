-- Grain: one row per lane and measure, as its level's turn comes. A row is read by the next levels: it stays in one piece.
CREATE TEMP TABLE lane_curve (
    lane_id integer PRIMARY KEY,
    hazards double precision [] NOT NULL,
    curve double precision [],
    points double precision [],
    p_never_delivered double precision,
    p_never_delivered_expired_lost double precision,
    effective_n double precision NOT NULL,
    borrowed double precision NOT NULL
) WITH (toast_tuple_target = 8160) ON COMMIT DROP
