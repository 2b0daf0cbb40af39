-- One question of a promise, answered: what mart.delivery_promise(), mart.issue_promises() and the optimiser share. It is no
-- SECURITY DEFINER: each of these is, and calls it as the owner.

-- The quantile level that is read for level p, by what matured promises have taught (serving.promise_level).
CREATE OR REPLACE FUNCTION serving.read_level(level double precision, shift double precision, spread double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 1 / (1 + exp(-(shift + spread * ln(level / (1 - level)))));
COMMENT ON FUNCTION serving.read_level(double precision, double precision, double precision) IS
'The quantile level to read for a level between 0 and 1: logit(read) = shift + spread x logit(level).';

-- `shipment`: the parcel asked about, where it is known: its own learned curve is read first, if it has one from this start.
-- `still_open`: the parcel is known not to have arrived by now, so the range is of what remains. Where nothing can be said,
-- the dates are NULL and `basis` says why. Refuses a question that makes no sense, with what to give instead.
CREATE OR REPLACE FUNCTION serving.answer(
    origin text,
    destination text,
    carrier text,
    service text,
    starts_at timestamptz,
    confidence numeric,
    clock text,
    still_open boolean,
    shipment bigint DEFAULT NULL
) RETURNS TABLE (
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier_slug text,
    service_name text,
    measure text,
    starts timestamptz,
    age_days double precision,
    zone text,
    lane text,
    level text,
    curve double precision [],
    shift double precision,
    spread double precision,
    lower_level double precision,
    likely_level double precision,
    upper_level double precision,
    lower_days double precision,
    likely_days double precision,
    upper_days double precision,
    earliest date,
    likely date,
    latest date,
    matures_at timestamptz,
    n bigint,
    basis text,
    coverage numeric,
    model_version text
)
LANGUAGE plpgsql STABLE ROWS 1
AS $$
#variable_conflict use_variable
DECLARE
    origin_place constant text := upper(nullif(btrim(origin), ''));
    destination_place constant text := upper(nullif(btrim(destination), ''));
    place text;
    unknown_country text;
    keys text [];
    scopes text [];
    weekday smallint;
    narrowest record;
    gone double precision := 0; -- share of the curve that lies behind a parcel that is still open
    bounds double precision [];
    top double precision; -- 1, but for rounding
BEGIN
    measure := CASE clock WHEN 'order' THEN 'order_to_door' WHEN 'handover' THEN 'handover_to_door' END;
    IF measure IS NULL THEN
        RAISE EXCEPTION 'clock % is not known', coalesce(quote_literal(clock), 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give ''order'' (from the order to the door) or ''handover'' (from the carrier to the door).';
    END IF;
    IF confidence IS NULL OR NOT (confidence > 0 AND confidence <= 0.99) THEN
        RAISE EXCEPTION 'confidence % is not above 0 and up to 0.99', coalesce(confidence::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a share, such as 0.8 for an 80 % range.';
    END IF;
    starts := coalesce(starts_at, ops.as_of());
    -- beyond these years a date cannot be told with certainty, whatever the curve adds
    IF NOT (starts BETWEEN '0001-01-01 00:00+00' AND '9990-01-01 00:00+00') THEN
        RAISE EXCEPTION 'starts_at % is not a moment', starts
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a time, or NULL for now.';
    END IF;
    zone := 'UTC';
    FOREACH place IN ARRAY ARRAY[origin_place, destination_place] LOOP
        CONTINUE WHEN place IS NULL;
        IF place !~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$' THEN
            RAISE EXCEPTION 'place % is neither a country nor a region', quote_literal(place)
                USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give an ISO 3166-1 country such as BR, an ISO 3166-2 region such as BR-SP, or NULL for any.';
        END IF;
        SELECT coalesce(known.zone, 'UTC') INTO zone FROM core.country AS known WHERE known.country = left(place, 2);
        IF NOT found THEN
            unknown_country := left(place, 2);
        END IF;
    END LOOP;
    zone := CASE WHEN destination_place IS NULL THEN 'UTC' ELSE coalesce(zone, 'UTC') END;
    origin_country := left(origin_place, 2);
    origin_region := CASE WHEN length(origin_place) > 2 THEN origin_place END;
    destination_country := left(destination_place, 2);
    destination_region := CASE WHEN length(destination_place) > 2 THEN destination_place END;
    carrier_slug := lower(nullif(btrim(carrier), ''));
    service_name := nullif(btrim(service), '');
    keys := serving.lanes(
        origin_country, origin_region, destination_country, destination_region, carrier_slug, service_name
    );
    weekday := extract(ISODOW FROM starts AT TIME ZONE zone) - 1;

    SELECT
        lane_time.lane,
        lane_time.level,
        serving.lane_in_words(
            lane_time.level,
            lane_time.origin_country,
            lane_time.origin_region,
            lane_time.destination_country,
            lane_time.destination_region,
            lane_time.carrier,
            lane_time.service
        ) AS words,
        lane_time.n_delivered,
        lane_time.effective_n,
        lane_time.basis,
        lane_time.curve
    INTO narrowest
    FROM serving.delivery_time AS lane_time
    WHERE lane_time.lane = ANY(keys) AND lane_time.measure = measure AND lane_time.curve IS NOT NULL
    ORDER BY lane_time.specificity DESC
    LIMIT 1;
    age_days := 0;
    IF narrowest.lane IS NULL THEN
        n := 0;
        basis := 'no parcel delivered yet';
        RETURN NEXT;
        RETURN;
    END IF;
    lane := narrowest.lane;
    level := narrowest.level;
    n := narrowest.n_delivered;

    IF shipment IS NOT NULL THEN
        SELECT
            own.curve,
            own.model_version
        INTO curve, model_version
        FROM serving.learned_shipment_curve AS own
        INNER JOIN serving.delivery_model AS model ON own.model_version = model.version AND model.status = 'serving'
        WHERE own.shipment_id = shipment AND own.measure = measure AND own.starts_at = starts;
        basis := 'learned hazard ' || model_version || ' of the parcel''s own features';
    END IF;
    IF curve IS NULL THEN
        SELECT
            learned.curve,
            learned.model_version
        INTO curve, model_version
        FROM serving.learned_curve AS learned
        WHERE learned.lane = narrowest.lane AND learned.measure = measure AND learned.weekday = weekday;
        basis := coalesce(
            'learned hazard ' || model_version || ' of ' || narrowest.words || ', effective n '
            || round(narrowest.effective_n, CASE WHEN narrowest.effective_n < 100 THEN 1 ELSE 0 END),
            narrowest.basis
        );
    END IF;
    curve := coalesce(curve, narrowest.curve);
    model_version := coalesce(model_version, 'life table');

    SELECT
        told.shift,
        told.spread
    INTO shift, spread
    FROM serving.promise_level AS told
    WHERE told.measure = measure AND told.scope IN (coalesce(destination_country, ''), '')
    ORDER BY told.scope DESC
    LIMIT 1;
    IF shift IS NULL THEN
        shift := 0;
        spread := 1;
    ELSE
        basis := basis || '; levels by matured promises';
    END IF;
    lower_level := serving.read_level(((1 - confidence) / 2)::double precision, shift, spread);
    likely_level := serving.read_level(0.5, shift, spread);
    upper_level := serving.read_level(((1 + confidence) / 2)::double precision, shift, spread);
    basis := basis || coalesce('; ' || unknown_country || ' is no country of ISO 3166-1', '');

    bounds := serving.age_bounds(measure);
    IF still_open THEN
        age_days := greatest(extract(EPOCH FROM ops.as_of() - starts)::double precision / 86400, 0);
        gone := serving.delivered_by(curve, bounds, age_days);
        IF gone > 0.999 THEN
            basis := basis || '; under way for longer than nearly all';
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    top := curve[cardinality(curve)];
    lower_days := serving.quantile(curve, bounds, least(gone + (1 - gone) * lower_level, top));
    likely_days := serving.quantile(curve, bounds, least(gone + (1 - gone) * likely_level, top));
    upper_days := serving.quantile(curve, bounds, least(gone + (1 - gone) * upper_level, top));
    earliest := (starts + make_interval(secs => 86400 * lower_days)) AT TIME ZONE zone;
    likely := (starts + make_interval(secs => 86400 * likely_days)) AT TIME ZONE zone;
    latest := (starts + make_interval(secs => 86400 * upper_days)) AT TIME ZONE zone;
    matures_at := (latest + 1)::timestamp AT TIME ZONE zone;

    scopes := ARRAY['lane ' || origin_country || ' → ' || destination_country, 'level ' || level, 'all'];
    SELECT measured.coverage INTO coverage
    FROM serving.promise_coverage AS measured
    WHERE
        measured.scope = ANY(scopes)
        AND measured.measure = measure
        AND measured.confidence = confidence
    ORDER BY array_position(scopes, measured.scope)
    LIMIT 1;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION serving.answer(text, text, text, text, timestamptz, numeric, text, boolean, bigint) IS
'A question of a promise, answered with all that it rests on; see mart.delivery_promise().';
