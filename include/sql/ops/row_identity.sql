-- By what a bad row is the same one that arrives again: all that it says, but not where it stood. An answer that could not
-- be read at all says nothing of its parcels, so it is the answer that it is.
CREATE OR REPLACE FUNCTION ops.row_identity(row_data jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT sha256(convert_to((
        row_data - ARRAY[
            'staged_row',
            'source_line',
            CASE
                WHEN row_data ->> 'tracking_number' IS NOT NULL OR row_data ->> 'raw_answer_id' IS NULL
                    THEN 'raw_answer_id'
            END
        ]
    )::text, 'UTF8'))
$$;
COMMENT ON FUNCTION ops.row_identity(jsonb) IS
'By what a bad row is the same one that arrives again: all that it says, but not where it stood.';
