-- Grain: one row per staged product, as the gate's rules see it.
CREATE VIEW {judged} AS
SELECT staged.* -- noqa: AM04
FROM {staged} AS staged;
