-- Grain: one row per staged row that a rule rejects: the gate's verdict, which the load carries out.
CREATE UNLOGGED TABLE {rejected} (
    staged_row bigint PRIMARY KEY,
    rule text NOT NULL,
    severity text NOT NULL,
    reason text NOT NULL
);
