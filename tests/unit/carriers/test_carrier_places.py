"""Places and clocks: countries by any spelling, zones by place, and local time less offset is UTC, always."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast import settings as config
from lanecast.carriers import clocks, places


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("us", "US"),
        ("United States", "US"),
        ("Congo, DRC", "CD"),
        ("CÔTE D'IVOIRE", "CI"),
        ("Cote d’Ivoire", "CI"),
        ("Vietnam", "VN"),
        ("viet  nam", "VN"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Korea, Republic of", "KR"),
        ("Atlantis", None),
        ("", None),
        (None, None),
    ],
)
def test_countries_by_any_spelling(text: str | None, code: str | None) -> None:
    assert places.country_code(text) == code


def test_every_country_is_there_with_a_zone_of_its_own() -> None:
    names = places.country_names()
    assert len(names) == 249
    for code in names:
        zones = places._zone_tab().get(code, ())
        main = places.country_zone(code)
        assert main in zones if zones else main is None, code


def test_every_zone_of_the_tables_is_in_tzdata() -> None:
    told = {zone for _, zone in places._regions().values()} | set(places._cities().values())
    assert told <= available_timezones()
    for zone in told:
        assert places.zone_info(zone).key == zone


def test_every_state_of_the_wide_countries_has_a_zone() -> None:
    counts = {"US": 51, "CA": 13, "BR": 27, "AU": 8, "MX": 32, "RU": 82}
    for country, least in counts.items():
        codes = {row[0] for key, row in places._regions().items() if key[0] == country}
        assert len(codes) >= least, country


@pytest.mark.parametrize(
    ("country", "region", "city", "zone", "known"),
    [
        ("NL", None, None, "Europe/Amsterdam", True),
        ("US", "CA", None, "America/Los_Angeles", True),
        ("US", "US-CA", None, "America/Los_Angeles", True),
        ("US", "California", None, "America/Los_Angeles", True),
        ("US", None, "Memphis", "America/Chicago", True),
        ("US", None, "CHICAGO - USA", "America/Chicago", True),
        ("US", None, "Nowhere", "America/New_York", False),
        ("BR", "AM", None, "America/Manaus", True),
        ("AU", None, "Perth", "Australia/Perth", True),
        ("CN", None, "Urumqi", "Asia/Shanghai", True),
        ("ES", None, "Las Palmas de Gran Canaria", "Atlantic/Canary", True),
        ("ES", None, "Madrid", "Europe/Madrid", True),
        ("US", "TX", "EL PASO", "America/Denver", True),
        ("US", "IL", "EL PASO", "America/Chicago", True),
        ("US", None, "Anchorage", "America/Anchorage", True),
        ("US", None, "SAINT LOUIS", "America/Chicago", True),
        ("US", None, "St. Louis", "America/Chicago", True),
        ("US", None, "Springfield", "America/New_York", False),
        ("CA", None, "Calgary", "America/Edmonton", True),
        ("CA", None, "ST. JOHN'S", "America/St_Johns", True),
        ("CA", "BC", "Cranbrook", "America/Edmonton", True),
        ("BR", None, "Manaus", "America/Manaus", True),
        ("BR", None, "SÃO PAULO", "America/Sao_Paulo", True),
        ("AU", None, "Alice Springs", "Australia/Darwin", True),
        ("RU", None, "MOSKVA", "Europe/Moscow", True),
        ("RU", None, "Vladivostok", "Asia/Vladivostok", True),
        ("MX", None, "Cancún", "America/Cancun", True),
        ("MX", "Chihuahua", "Ciudad Juárez", "America/Ciudad_Juarez", True),
        ("ID", None, "Denpasar", "Asia/Makassar", True),
        ("ID", None, "Jayapura", "Asia/Jayapura", True),
        ("KZ", None, "Aktau", "Asia/Aqtau", True),
        ("CL", None, "Punta Arenas", "America/Punta_Arenas", True),
        ("CL", None, "Santiago", "America/Santiago", True),
        ("PT", None, "Ponta Delgada", "Atlantic/Azores", True),
        ("PT", None, "Porto", "Europe/Lisbon", True),
        ("CD", None, "Lubumbashi", "Africa/Lubumbashi", True),
        ("CD", None, "Kinshasa", "Africa/Kinshasa", True),
        ("MN", None, "Khovd", "Asia/Hovd", True),
        ("GL", None, "Nuuk", "America/Nuuk", True),
        (None, None, "Paris", "UTC", False),
        ("ZQ", None, None, "UTC", False),
    ],
)
def test_zones(country: str | None, region: str | None, city: str | None, zone: str, known: bool) -> None:
    assert places.zone_of(country, region, city) == (zone, known)


def test_a_country_is_read_from_the_citys_tail() -> None:
    place = places.place_of(None, None, "LEIPZIG - GERMANY")
    assert (place.country, place.zone.key, place.known) == ("DE", "Europe/Berlin", "place")


def test_an_hour_shown_twice_is_its_first_passing() -> None:
    twice = datetime(2024, 11, 3, 1, 30)  # noqa: DTZ001
    utc, offset, known = clocks.to_utc(twice, "US", "NY")
    assert (utc.isoformat(), offset, known) == ("2024-11-03T05:30:00+00:00", -240, "place")


def test_an_hour_leapt_over_is_read_as_if_it_had_not() -> None:
    never = datetime(2024, 3, 10, 2, 30)  # noqa: DTZ001
    utc, offset, _ = clocks.to_utc(never, "US", "NY")
    assert (utc.isoformat(), offset) == ("2024-03-10T07:30:00+00:00", -300)


def test_the_table_of_cities_is_read_only_when_a_city_must_tell() -> None:
    places._cities.cache_clear()
    places.place_of.cache_clear()
    assert places.place_of("NL", None, "Never Heard").known == "place"
    assert places.place_of("US", "CA", None).known == "place"
    assert places._cities.cache_info().currsize == 0
    assert places.place_of("US", None, "Denver").zone.key == "America/Denver"
    assert places._cities.cache_info().currsize == 1


def test_the_table_of_cities_is_small_and_tells_each_name_once() -> None:
    path = config.include() / "reference" / "city_zones.csv"
    assert path.stat().st_size < 400_000
    assert len(places._cities()) == len(path.read_text("utf-8").splitlines()) - 1 > 10_000
    assert {country for country, _ in places._cities()} <= {code for code, zones in places._zone_tab().items() if zones}


INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30))  # noqa: DTZ001


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})), INSTANTS)
def test_local_less_offset_is_utc_in_any_zone(zone: str, instant: datetime) -> None:
    info = places.zone_info(zone)
    aware = instant.replace(tzinfo=UTC).astimezone(info)
    local = aware.replace(tzinfo=None, fold=0)
    utc, offset = clocks.in_zone(local, info)
    assert utc == (local - timedelta(minutes=offset)).replace(tzinfo=UTC)
    told = aware.utcoffset() or timedelta(0)
    if not aware.fold and told.total_seconds() % 60 == 0:
        assert utc == instant.replace(tzinfo=UTC)
        assert offset == told.total_seconds() // 60


@settings(max_examples=200, deadline=None)
@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_an_offset_survives_being_printed(instant: datetime, minutes: int) -> None:
    assert clocks.offset_minutes(clocks.offset_text(minutes)) == minutes
    utc = clocks.at_offset(instant, minutes)
    moment = datetime.fromisoformat(f"{instant.isoformat()}{clocks.offset_text(minutes)}")
    assert moment == utc
    assert clocks.split(moment) == (instant, utc, minutes)


@pytest.mark.parametrize("text", ["", None, "5", "+25:00", "-1:75", "x", "+٣:00", "+12:3456"])
def test_what_is_no_offset(text: str | None) -> None:
    assert clocks.offset_minutes(text) is None


def test_an_offset_between_two_clocks_is_one_a_clock_can_have() -> None:
    local = datetime(2024, 3, 5, 9, 15)  # noqa: DTZ001
    assert clocks.offset_between(local, datetime(2024, 3, 5, 3, 45, 40, tzinfo=UTC)) == 330
    assert clocks.offset_between(local, datetime(2024, 3, 5, 3, 37, tzinfo=UTC)) is None
    assert clocks.offset_between(local, datetime(2024, 3, 7, 9, 15, tzinfo=UTC)) is None
