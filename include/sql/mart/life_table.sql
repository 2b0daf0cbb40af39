-- The life table's arithmetic. Only the refresh calls it.

CREATE OR REPLACE FUNCTION serving.age_bin(bounds double precision [], age interval) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN width_bucket(greatest((extract(EPOCH FROM age) / 86400)::double precision - 1e-9, 0), bounds) + 1;
COMMENT ON FUNCTION serving.age_bin(double precision [], interval) IS
'The age bin, from 1, that holds an age: beyond the bound before it, up to its own, which belongs to it.';

CREATE OR REPLACE FUNCTION serving.day_number(moment timestamptz) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor(extract(EPOCH FROM moment)::double precision / 86400);
COMMENT ON FUNCTION serving.day_number(timestamptz) IS
'The day (UTC) of a moment, as days since 1970-01-01.';

CREATE OR REPLACE FUNCTION serving.life_weight(started_at timestamptz, epoch date, half_life_days double precision)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
        WHEN serving.day_number(started_at) - (epoch - date '1970-01-01') < -300 * half_life_days THEN 0
        ELSE power(
            2::double precision, (serving.day_number(started_at) - (epoch - date '1970-01-01')) / half_life_days
        )::numeric
    END;
COMMENT ON FUNCTION serving.life_weight(timestamptz, date, double precision) IS
'What a span counts: 2 to the number of half-lives between the epoch and the day (UTC) on which it began; 15 digits.';

CREATE OR REPLACE FUNCTION serving.lane_in_words(
    level text,
    origin_country text,
    origin_region text,
    destination_country text,
    destination_region text,
    carrier text,
    service text
) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE level
            WHEN 'world' THEN 'the world'
            WHEN 'destination_country' THEN 'to ' || destination_country
            WHEN 'destination_region' THEN 'to ' || destination_region
            ELSE 'lane ' || coalesce(origin_region, origin_country) || ' → ' || coalesce(destination_region, destination_country)
        END
        || coalesce(', carrier ' || carrier, '') || coalesce(', service ' || service, '');
COMMENT ON FUNCTION serving.lane_in_words(text, text, text, text, text, text, text) IS
'A lane as a reader names it.';

-- Of one lane: hazards of each age bin (share of those at risk that are delivered, that end otherwise and, where any parcel went
-- out of sight, that do so), each leaning on its parents' as on `kappa` parcels more: h = (d + kappa h_parent) / (n + kappa).
-- Where there are two parents, what they have in common counts once: odds against going on are multiplied, and divided by the
-- ancestor's. Then, by Aalen and Johansen, the share delivered by each bound; of those delivered by the last one.
--
-- Arrays of evidence are sparse: one entry per bin in `bins`, which may hold the bin after the last bound. At risk in a bin are
-- those that end in it or later, less those first watched in it or later; half of those first watched in it, and of those that
-- go out of sight or are still under way in it, count. It is called for every lane: each statement of the loop costs a tenth of a
-- second of a refresh of 25,000 lanes.
CREATE OR REPLACE FUNCTION serving.life_table_curve(
    bounds double precision [],
    factors double precision [],
    kappa double precision,
    bins smallint [],
    late double precision [],
    delivered double precision [],
    lost double precision [],
    expired double precision [],
    under_way double precision [],
    parent double precision [],
    other_parent double precision [],
    ancestor double precision [],
    OUT hazards double precision [],
    OUT curve double precision [],
    OUT points double precision [],
    OUT p_never_delivered double precision,
    OUT p_never_delivered_expired_lost double precision,
    OUT effective_n double precision,
    OUT borrowed double precision
)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    last constant integer := cardinality(bounds);
    told constant integer := coalesce(cardinality(bins), 0);
    final constant integer := coalesce(bins[told], 0);
    leaning constant double precision := CASE WHEN parent IS NULL THEN 0 ELSE kappa END;
    has_two constant boolean := other_parent IS NOT NULL;
    -- A parent that holds this lane knows of every parcel out of sight that the lane knows of.
    loses_sight constant boolean := CASE
        WHEN parent IS NULL THEN coalesce(0 < ANY(expired), false)
        ELSE cardinality(parent) = 3 * last
    END;
    wanted constant double precision [] := ARRAY[0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
    reach double precision [] := array_fill(0::double precision, ARRAY[told + 1]);
    own integer := 1;
    n double precision;
    d double precision;
    l double precision;
    e double precision;
    prior_d double precision := 0;
    prior_l double precision := 0;
    odds double precision;
    alive double precision := 1;
    arrived double precision := 0;
    ended double precision := 0;
    by_own double precision := 0;
    alive_in_sight double precision := 1;
    arrived_in_sight double precision := 0;
    ended_in_sight double precision := 0;
    lower double precision;
    target double precision;
    place integer;
BEGIN
    hazards := array_fill(0::double precision, ARRAY[CASE WHEN loses_sight THEN 3 ELSE 2 END * last]);
    curve := array_fill(0::double precision, ARRAY[last]);
    effective_n := 0;
    FOR i IN REVERSE told..1 LOOP
        reach[i] := reach[i + 1] + delivered[i] + lost[i] + expired[i] + under_way[i] - late[i];
    END LOOP;
    FOR bin IN 1..last LOOP
        IF leaning > 0 THEN
            prior_d := parent[bin];
            prior_l := parent[last + bin];
            IF has_two THEN
                -- Where the ancestor tells nothing of a cause, the parent's stands.
                odds := greatest(1 - prior_d - prior_l, 1e-9) * greatest(1 - other_parent[bin] - other_parent[last + bin], 1e-9)
                    / greatest(1 - ancestor[bin] - ancestor[last + bin], 1e-9);
                IF ancestor[bin] > 1e-12 THEN
                    prior_d := prior_d * other_parent[bin] / ancestor[bin];
                END IF;
                IF ancestor[last + bin] > 1e-12 THEN
                    prior_l := prior_l * other_parent[last + bin] / ancestor[last + bin];
                END IF;
                odds := odds + prior_d + prior_l;
                prior_d := prior_d / odds;
                prior_l := prior_l / odds;
            END IF;
        END IF;
        IF bin > final THEN
            n := 0;
            d := prior_d;
            l := prior_l;
            e := 0;
        ELSIF bins[own] > bin THEN
            n := greatest(reach[own] * factors[bin], 0);
            e := 0;
            IF n + leaning > 0 THEN
                d := leaning * prior_d / (n + leaning);
                l := leaning * prior_l / (n + leaning);
                by_own := by_own + alive * d * n / (n + leaning);
            ELSE
                d := prior_d;
                l := prior_l;
            END IF;
        ELSE
            d := delivered[own] * factors[bin];
            l := lost[own] * factors[bin];
            e := expired[own] * factors[bin];
            effective_n := effective_n + d + l;
            n := greatest((reach[own] + (late[own] - expired[own] - under_way[own]) / 2) * factors[bin], d + l);
            own := own + 1;
            IF n + leaning > 0 THEN
                d := (d + leaning * prior_d) / (n + leaning);
                l := (l + leaning * prior_l) / (n + leaning);
                by_own := by_own + alive * d * n / (n + leaning);
            END IF;
        END IF;
        hazards[bin] := d;
        hazards[last + bin] := l;
        arrived := arrived + alive * d;
        ended := ended + alive * l;
        alive := alive * greatest(1 - d - l, 0);
        curve[bin] := arrived;
        IF loses_sight THEN
            IF n + e + leaning > 0 THEN
                e := (e + CASE WHEN leaning > 0 THEN leaning * parent[2 * last + bin] ELSE 0 END) / (n + e / 2 + leaning);
            END IF;
            hazards[2 * last + bin] := e;
            arrived_in_sight := arrived_in_sight + alive_in_sight * d;
            ended_in_sight := ended_in_sight + alive_in_sight * (l + e);
            alive_in_sight := alive_in_sight * greatest(1 - d - l - e, 0);
        END IF;
    END LOOP;
    IF arrived + ended > 0 THEN
        p_never_delivered := ended / (arrived + ended);
        p_never_delivered_expired_lost := p_never_delivered;
    END IF;
    IF loses_sight AND arrived_in_sight + ended_in_sight > 0 THEN
        p_never_delivered_expired_lost := ended_in_sight / (arrived_in_sight + ended_in_sight);
    END IF;
    IF arrived <= 0 THEN
        curve := NULL;
        borrowed := 0;
        RETURN;
    END IF;
    borrowed := CASE WHEN leaning > 0 THEN 1 - by_own / arrived ELSE 0 END;
    FOR bin IN 1..last LOOP
        curve[bin] := curve[bin] / arrived;
    END LOOP;
    points := array_fill(0::double precision, ARRAY[7]);
    FOR point IN 1..7 LOOP
        target := wanted[point];
        place := width_bucket(target - 1e-12, curve) + 1;
        lower := coalesce(curve[place - 1], 0);
        points[point] := coalesce(bounds[place - 1], 0)
            + (target - lower) / (curve[place] - lower) * (bounds[place] - coalesce(bounds[place - 1], 0));
    END LOOP;
END
$$;
COMMENT ON FUNCTION serving.life_table_curve(
    double precision [], double precision [], double precision, smallint [], double precision [], double precision [],
    double precision [], double precision [], double precision [], double precision [], double precision [], double precision []
) IS
'Hazards and curve of one lane from its evidence and its parents'' hazards.';
