-- The range to print beside "when will it arrive?". Runs as its owner, for readers may not see `serving`.
CREATE OR REPLACE FUNCTION mart.delivery_promise(
    origin text,
    destination text,
    carrier text,
    service text,
    starts_at timestamptz,
    confidence numeric,
    clock text DEFAULT 'order'
) RETURNS TABLE (earliest date, likely date, latest date, n bigint, basis text, coverage numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    origin_place constant text := upper(nullif(btrim(origin), ''));
    destination_place constant text := upper(nullif(btrim(destination), ''));
    carrier_slug constant text := lower(nullif(btrim(carrier), ''));
    service_name constant text := nullif(btrim(service), '');
    measure_name constant text := CASE clock WHEN 'order' THEN 'order_to_door' WHEN 'handover' THEN 'handover_to_door' END;
    starts constant timestamptz := coalesce(starts_at, ops.as_of());
    bounds constant double precision [] := serving.age_bounds(measure_name);
    lower constant double precision := (1 - confidence) / 2;
    place text;
    unknown_country text;
    zone_name text;
    found_lane serving.delivery_time;
BEGIN
    IF measure_name IS NULL THEN
        RAISE EXCEPTION 'clock % is not known', coalesce(quote_literal(clock), 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give ''order'' (from the order to the door) or ''handover'' (from the carrier to the door).';
    END IF;
    IF confidence IS NULL OR NOT (confidence > 0 AND confidence <= 0.99) THEN
        RAISE EXCEPTION 'confidence % is not above 0 and up to 0.99', coalesce(confidence::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a share, such as 0.8 for an 80 % range.';
    END IF;
    IF NOT isfinite(starts) THEN
        RAISE EXCEPTION 'starts_at % is not a moment', starts
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a time, or NULL for now.';
    END IF;
    FOREACH place IN ARRAY ARRAY[origin_place, destination_place] LOOP
        CONTINUE WHEN place IS NULL;
        IF place !~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$' THEN
            RAISE EXCEPTION 'place % is neither a country nor a region', quote_literal(place)
                USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give an ISO 3166-1 country such as BR, an ISO 3166-2 region such as BR-SP, or NULL for any.';
        END IF;
        IF NOT EXISTS (SELECT FROM core.country AS known WHERE known.country = left(place, 2)) THEN
            unknown_country := left(place, 2);
        END IF;
    END LOOP;

    SELECT lane_time.* INTO found_lane
    FROM serving.delivery_time AS lane_time
    WHERE
        lane_time.lane = ANY(serving.lanes(
            left(origin_place, 2),
            CASE WHEN length(origin_place) > 2 THEN origin_place END,
            left(destination_place, 2),
            CASE WHEN length(destination_place) > 2 THEN destination_place END,
            carrier_slug,
            service_name
        ))
        AND lane_time.measure = measure_name
        AND (
            lane_time.n_delivered >= serving.minimum_delivered()
            OR (lane_time.specificity = 1 AND lane_time.n_delivered > 0)
        )
    ORDER BY lane_time.specificity DESC
    LIMIT 1;

    IF found_lane.lane IS NULL THEN
        RETURN QUERY SELECT NULL::date, NULL::date, NULL::date, 0::bigint, 'no parcel delivered yet', NULL::numeric;
        RETURN;
    END IF;

    zone_name := coalesce(
        (SELECT known.zone FROM core.country AS known WHERE known.country = left(destination_place, 2)), 'UTC'
    );
    RETURN QUERY
    SELECT
        ((starts + make_interval(secs => 86400 * serving.quantile(found_lane.curve, bounds, lower)))
            AT TIME ZONE zone_name)::date,
        ((starts + make_interval(secs => 86400 * serving.quantile(found_lane.curve, bounds, 0.5))) AT TIME ZONE zone_name)::date,
        ((starts + make_interval(secs => 86400 * serving.quantile(found_lane.curve, bounds, 1 - lower)))
            AT TIME ZONE zone_name)::date,
        found_lane.n_delivered,
        CASE found_lane.level
            WHEN 'world' THEN 'world'
            WHEN 'destination_country' THEN 'to ' || found_lane.destination_country
            WHEN 'destination_region' THEN 'to ' || found_lane.destination_region
            ELSE 'lane ' || coalesce(found_lane.origin_region, found_lane.origin_country)
                || ' → ' || coalesce(found_lane.destination_region, found_lane.destination_country)
        END
        || coalesce(', carrier ' || found_lane.carrier, '') || coalesce(', service ' || found_lane.service, '')
        || format(' (n %s)', found_lane.n_delivered)
        || coalesce('; ' || unknown_country || ' is no country of ISO 3166-1', ''),
        found_lane.coverage_90d;
END
$$;
