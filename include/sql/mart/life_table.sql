-- The life table's arithmetic. Only the refresh calls it.

CREATE OR REPLACE FUNCTION serving.age_bin(bounds double precision [], age interval) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN width_bucket(greatest((extract(EPOCH FROM age) / 86400)::double precision - 1e-9, 0), bounds) + 1;
COMMENT ON FUNCTION serving.age_bin(double precision [], interval) IS
'The age bin, from 1, that holds an age: beyond the bound before it, up to its own, which belongs to it.';

CREATE OR REPLACE FUNCTION serving.life_weight(started_at timestamptz, epoch date, half_life_days double precision)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
        WHEN (floor(extract(EPOCH FROM started_at) / 86400) - (epoch - date '1970-01-01')) / half_life_days < -300 THEN 0
        ELSE power(
            2,
            ((floor(extract(EPOCH FROM started_at) / 86400) - (epoch - date '1970-01-01')) / half_life_days)
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

-- Of one lane: hazards of each age bin (share of those at risk that are delivered, that end otherwise, that go out of sight),
-- each leaning on its parents' as on `kappa` parcels more: h = (d + kappa h_parent) / (n + kappa). Where there are two parents,
-- what they have in common is counted once: odds against going on are multiplied, and divided by the ancestor's.
-- Then, by Aalen and Johansen, the share delivered by each bound; of those delivered by the last one.
--
-- Arrays of evidence are sparse: one entry per bin in `bins`, which may hold the bin after the last bound. At risk in a bin are
-- those that end in it or later, less those first watched in it or later; half of those first watched in it, and of those that
-- go out of sight or are still under way in it, count.
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
    leaning constant double precision := CASE WHEN parent IS NULL THEN 0 ELSE kappa END;
    wanted constant double precision [] := ARRAY[0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
    reach double precision [] := array_fill(0::double precision, ARRAY[told + 1]);
    own integer := 1;
    point integer := 1;
    factor double precision;
    n double precision;
    d double precision;
    l double precision;
    e double precision;
    prior_d double precision := 0;
    prior_l double precision := 0;
    prior_e double precision := 0;
    going double precision;
    odds_d double precision;
    odds_l double precision;
    odds double precision;
    alive double precision := 1;
    arrived double precision := 0;
    ended double precision := 0;
    alive_in_sight double precision := 1;
    arrived_in_sight double precision := 0;
    ended_in_sight double precision := 0;
    before double precision := 0;
BEGIN
    hazards := array_fill(0::double precision, ARRAY[3 * last]);
    curve := array_fill(0::double precision, ARRAY[last]);
    effective_n := 0;
    borrowed := 0;
    FOR i IN REVERSE told..1 LOOP
        reach[i] := reach[i + 1] + delivered[i] + lost[i] + expired[i] + under_way[i] - late[i];
    END LOOP;
    FOR bin IN 1..last LOOP
        IF parent IS NOT NULL THEN
            prior_d := parent[bin];
            prior_l := parent[last + bin];
            prior_e := parent[2 * last + bin];
            IF other_parent IS NOT NULL THEN
                -- Odds against going on to the next bin, of both causes; where the ancestor tells none, the parent's stand.
                going := greatest(1 - prior_d - prior_l, 1e-9) * greatest(1 - other_parent[bin] - other_parent[last + bin], 1e-9)
                    / greatest(1 - ancestor[bin] - ancestor[last + bin], 1e-9);
                odds_d := CASE WHEN ancestor[bin] > 1e-12 THEN prior_d * other_parent[bin] / ancestor[bin] ELSE prior_d END;
                odds_l := CASE
                    WHEN ancestor[last + bin] > 1e-12 THEN prior_l * other_parent[last + bin] / ancestor[last + bin]
                    ELSE prior_l
                END;
                odds := going + odds_d + odds_l;
                prior_d := odds_d / odds;
                prior_l := odds_l / odds;
            END IF;
        END IF;
        factor := factors[bin];
        IF own <= told AND bins[own] = bin THEN
            d := delivered[own] * factor;
            l := lost[own] * factor;
            e := expired[own] * factor;
            n := greatest((reach[own] + (late[own] - expired[own] - under_way[own]) / 2) * factor, d + l);
            own := own + 1;
            effective_n := effective_n + d + l;
        ELSE
            d := 0;
            l := 0;
            e := 0;
            n := greatest(reach[own] * factor, 0);
        END IF;
        IF n + leaning > 0 THEN
            d := (d + leaning * prior_d) / (n + leaning);
            l := (l + leaning * prior_l) / (n + leaning);
            e := (e + leaning * prior_e) / (n + e / 2 + leaning);
        ELSE
            d := prior_d;
            l := prior_l;
            e := prior_e;
        END IF;
        hazards[bin] := d;
        hazards[last + bin] := l;
        hazards[2 * last + bin] := e;
        IF n + leaning > 0 THEN
            borrowed := borrowed + alive * d * leaning / (n + leaning);
        END IF;
        arrived := arrived + alive * d;
        ended := ended + alive * l;
        alive := alive * greatest(1 - d - l, 0);
        arrived_in_sight := arrived_in_sight + alive_in_sight * d;
        ended_in_sight := ended_in_sight + alive_in_sight * (l + e);
        alive_in_sight := alive_in_sight * greatest(1 - d - l - e, 0);
        curve[bin] := arrived;
    END LOOP;
    IF arrived + ended > 0 THEN
        p_never_delivered := ended / (arrived + ended);
    END IF;
    IF arrived_in_sight + ended_in_sight > 0 THEN
        p_never_delivered_expired_lost := ended_in_sight / (arrived_in_sight + ended_in_sight);
    END IF;
    IF arrived <= 0 THEN
        curve := NULL;
        borrowed := 0;
        RETURN;
    END IF;
    borrowed := borrowed / arrived;
    points := array_fill(0::double precision, ARRAY[7]);
    FOR bin IN 1..last LOOP
        n := CASE WHEN bin = last THEN 1 ELSE least(curve[bin] / arrived, 1) END;
        curve[bin] := n;
        WHILE point <= 7 AND n >= wanted[point] LOOP
            points[point] := CASE WHEN bin = 1 THEN 0 ELSE bounds[bin - 1] END
                + (wanted[point] - before) / (n - before) * (bounds[bin] - CASE WHEN bin = 1 THEN 0 ELSE bounds[bin - 1] END);
            point := point + 1;
        END LOOP;
        before := n;
    END LOOP;
END
$$;
COMMENT ON FUNCTION serving.life_table_curve(
    double precision [], double precision [], double precision, smallint [], double precision [], double precision [],
    double precision [], double precision [], double precision [], double precision [], double precision [], double precision []
) IS
'Hazards and curve of one lane from its evidence and its parents'' hazards.';
