-- Gives promises and keeps those that say whose they are: the one way into serving.promise_log. It answers the questions itself,
-- so that nobody can be promised a date that is no answer; what it writes is issued now, and never changed. A repetition within
-- the same minute finds the promise that is there.
CREATE OR REPLACE FUNCTION mart.issue_promises(questions jsonb) RETURNS TABLE (
    question integer,
    promise_id bigint,
    issued_at timestamptz,
    earliest date,
    likely date,
    latest date,
    n bigint,
    basis text,
    coverage numeric
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    known constant text [] := ARRAY[
        'origin', 'destination', 'carrier', 'service', 'starts_at', 'confidence', 'clock', 'still_open', 'order_id',
        'tracking_number', 'shipment_id'
    ];
    moment constant timestamptz := ops.as_of();
    unknown_key text;
    given serving.promise_log [];
BEGIN
    IF jsonb_typeof(questions) IS DISTINCT FROM 'array' OR jsonb_path_exists(questions, 'strict $[*] ? (@.type() != "object")')
    THEN
        RAISE EXCEPTION 'questions are no array of objects'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give [{"destination": "BR", "order_id": "1234"}], for example.';
    END IF;
    IF jsonb_array_length(questions) > 20000 THEN
        RAISE EXCEPTION '% questions are too many at once', jsonb_array_length(questions)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give at most 20000, and the rest in further calls.';
    END IF;
    SELECT told.key INTO unknown_key
    FROM jsonb_array_elements(questions) AS asked (value)
    CROSS JOIN LATERAL jsonb_object_keys(asked.value) AS told (key)
    WHERE told.key <> ALL(known)
    LIMIT 1;
    IF unknown_key IS NOT NULL THEN
        RAISE EXCEPTION 'a question has no key %', quote_literal(unknown_key)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give ' || array_to_string(known, ', ') || '.';
    END IF;

    IF EXISTS (
        SELECT FROM jsonb_array_elements(questions) AS asked (value)
        WHERE greatest(length(asked.value ->> 'order_id'), length(asked.value ->> 'tracking_number')) > 200
    ) THEN
        RAISE EXCEPTION 'a reference is longer than 200 characters'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give the order''s or the parcel''s own number.';
    END IF;

    given := ARRAY(
        SELECT
            ROW(
                asked.place,
                CASE WHEN num_nonnulls(reference.order_id, reference.tracking_number, told.shipment_id) > 0 THEN sha256(
                    convert_to(jsonb_build_array(
                        reference.order_id,
                        reference.tracking_number,
                        told.shipment_id,
                        answer.measure,
                        told.starts_at,
                        answer.confidence,
                        answer.origin_country,
                        answer.origin_region,
                        answer.destination_country,
                        answer.destination_region,
                        answer.carrier_slug,
                        answer.service_name,
                        answer.lane,
                        answer.lower_level,
                        answer.upper_level,
                        answer.model_version,
                        date_trunc('minute', moment, 'UTC')
                    )::text, 'UTF8')
                ) END,
                moment,
                clock_timestamp(),
                date_trunc('week', moment AT TIME ZONE 'UTC')::date,
                reference.order_id,
                reference.tracking_number,
                told.shipment_id,
                answer.origin_country,
                answer.origin_region,
                answer.destination_country,
                answer.destination_region,
                answer.carrier_slug,
                answer.service_name,
                answer.measure,
                answer.starts,
                answer.age_days,
                answer.confidence,
                answer.lane,
                answer.level,
                answer.lower_level,
                answer.likely_level,
                answer.upper_level,
                answer.lower_days,
                answer.likely_days,
                answer.upper_days,
                answer.earliest,
                answer.likely,
                answer.latest,
                answer.matures_at,
                answer.n,
                answer.basis,
                answer.coverage,
                answer.model_version
            )::serving.promise_log
        FROM jsonb_array_elements(questions) WITH ORDINALITY AS asked (value, place)
        CROSS JOIN LATERAL jsonb_to_record(asked.value) AS told (
            origin text,
            destination text,
            carrier text,
            service text,
            starts_at timestamptz,
            confidence numeric,
            clock text,
            still_open boolean,
            order_id text,
            tracking_number text,
            shipment_id bigint
        )
        CROSS JOIN LATERAL (
            SELECT
                nullif(btrim(told.order_id), '') AS order_id,
                nullif(btrim(told.tracking_number), '') AS tracking_number
        ) AS reference
        CROSS JOIN LATERAL (
            SELECT
                answered.*,
                coalesce(told.confidence, 0.8) AS confidence
            FROM serving.answer(
                told.origin,
                told.destination,
                told.carrier,
                told.service,
                told.starts_at,
                coalesce(told.confidence, 0.8),
                coalesce(told.clock, 'order'),
                coalesce(told.still_open, false),
                told.shipment_id
            ) AS answered
        ) AS answer
    );

    INSERT INTO serving.promise_log (
        promise_hash, issued_at, recorded_at, issued_week, order_id, tracking_number, shipment_id, origin_country, origin_region,
        destination_country, destination_region, carrier, service, measure, starts_at, age_days, confidence, lane, level,
        lower_level, likely_level, upper_level, lower_days, likely_days, upper_days, earliest, likely, latest, matures_at, n,
        basis, coverage, model_version
    )
    SELECT
        made.promise_hash, made.issued_at, made.recorded_at, made.issued_week, made.order_id, made.tracking_number,
        made.shipment_id, made.origin_country, made.origin_region, made.destination_country, made.destination_region,
        made.carrier, made.service, made.measure, made.starts_at, made.age_days, made.confidence, made.lane, made.level,
        made.lower_level, made.likely_level, made.upper_level, made.lower_days, made.likely_days, made.upper_days,
        made.earliest, made.likely, made.latest, made.matures_at, made.n, made.basis, made.coverage, made.model_version
    FROM unnest(given) AS made
    WHERE made.promise_hash IS NOT NULL AND made.latest IS NOT NULL
    ON CONFLICT (promise_hash) DO NOTHING;

    -- a row made above is numbered by its question; what was there before, or was kept just now, has a number of its own
    RETURN QUERY
    SELECT
        made.promise_id::integer,
        kept.promise_id,
        coalesce(kept.issued_at, made.issued_at),
        coalesce(kept.earliest, made.earliest),
        coalesce(kept.likely, made.likely),
        coalesce(kept.latest, made.latest),
        coalesce(kept.n, made.n),
        coalesce(kept.basis, made.basis),
        coalesce(kept.coverage, made.coverage)
    FROM unnest(given) AS made
    LEFT JOIN serving.promise_log AS kept ON made.promise_hash = kept.promise_hash
    ORDER BY 1;
END
$$;
