-- Grain: one row per event received in one run, and one per parcel or answer that could not be read.
CREATE UNLOGGED TABLE {staged} (
    staged_row bigint NOT NULL,
    carrier text,
    tracking_number text,
    source text,
    code text,
    description text,
    reported_at timestamp,
    occurred_at timestamptz,
    utc_offset_minutes smallint,
    tz_known text,
    milestone text,
    reason text,
    country text,
    region text,
    city text,
    event_hash bigint,
    is_mapped boolean,
    clock_disagrees boolean,
    raw_answer_id bigint,
    source_line bigint,
    unreadable text
);
