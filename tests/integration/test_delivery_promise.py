"""mart.delivery_promise(): the range by hand-worked numbers, the fallback along the levels, and bad questions."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from typing import Any

import psycopg2
import pytest
from delivery_rows import days, execute, put_shipments, rows
from promise_rows import CN_BR, even, put_lane

from lanecast.delivery.promise import NoPromise, promise
from lanecast.delivery.promises import keep
from lanecast.delivery.refresh import refresh

pytestmark = pytest.mark.usefixtures("warehouse")

SP_RJ = {
    "origin_country": "BR",
    "origin_region": "BR-SP",
    "destination_country": "BR",
    "destination_region": "BR-RJ",
}


@pytest.fixture
def lanes(warehouse: str) -> None:
    put_lane(even(20), n=310)
    put_lane(even(20), {"destination_country": "BR"}, n=270)
    put_lane(even(20), CN_BR, n=240)
    put_lane(even(20), CN_BR | {"carrier": "ups"}, n=221)
    put_lane(even(20), CN_BR | {"carrier": "ups", "service": "standard"}, n=201, effective_n=45.25)
    put_lane(even(4), CN_BR | {"carrier": "ups", "service": "express"}, n=3)
    put_lane(even(4), {"destination_country": "BR", "destination_region": "BR-RJ"}, n=30)
    put_lane(None, CN_BR | {"carrier": "dhl"}, n=0)


@pytest.mark.usefixtures("lanes")
def test_limits_are_the_quantiles() -> None:
    found = promise("CN", "BR", "ups", "standard", days(100), 0.8)
    # A tenth, half and nine tenths of 20 days; 09:00 UTC is 06:00 in Sao Paulo.
    assert found == {
        "earliest": days(102).date(),
        "likely": days(110).date(),
        "latest": days(118).date(),
        "n": 201,
        "basis": "life table of lane CN → BR, carrier ups, service standard",
        "coverage": None,
    }
    # 0.437 reads 28.15 % and 71.85 %: 5.63 days, which is 21:07 in Sao Paulo, and 14.37 days, which is 14:53.
    between = promise("CN", "BR", "ups", "standard", days(100), 0.437)
    assert (between["earliest"], between["latest"]) == (date(2026, 6, 15), date(2026, 6, 24))


ANSWERS: tuple[tuple[tuple[str | None, ...], str, int], ...] = (
    (("CN", "BR", "ups", "express"), "lane CN → BR, carrier ups, service express", 3),
    (("CN", "BR", "ups", "overnight"), "lane CN → BR, carrier ups", 221),
    (("CN", "BR", "UPS ", None), "lane CN → BR, carrier ups", 221),
    (("CN", "BR", "dhl", None), "lane CN → BR", 240),
    (("CN", "BR", "no such carrier; DROP TABLE", "x"), "lane CN → BR", 240),
    (("cn", "br-am", None, None), "lane CN → BR", 240),
    ((None, "BR", None, None), "to BR", 270),
    (("US", "BR", "ups", "express"), "to BR", 270),
    (("US", "BR-RJ", None, None), "to BR-RJ", 30),
    (("DE", "JP", None, None), "world", 310),
    ((None, None, None, None), "world", 310),
    (("", "", "", ""), "world", 310),
)


@pytest.mark.usefixtures("lanes")
def test_the_narrowest_lane_answers() -> None:
    for (origin, destination, carrier, service), lane, n in ANSWERS:
        found = promise(origin, destination, carrier, service, days(100))
        assert (found["basis"], found["n"]) == (f"life table of {lane}", n)
        assert found["earliest"] is not None
        assert found["likely"] is not None
        assert found["latest"] is not None
        assert days(100).date() <= found["earliest"] <= found["likely"] <= found["latest"]
    unknown = promise("CN", "ZZ")
    assert unknown["basis"] == "life table of world; ZZ is no country of ISO 3166-1"


@pytest.mark.usefixtures("lanes")
def test_every_pair_of_countries_has_an_answer() -> None:
    found = rows(
        "SELECT count(*) AS pairs, count(answer.latest) AS answered, count(*) FILTER (WHERE answer.earliest >= %s "
        "AND answer.earliest <= answer.likely AND answer.likely <= answer.latest) AS ordered "
        "FROM core.country AS origin CROSS JOIN core.country AS destination CROSS JOIN LATERAL "
        "mart.delivery_promise(origin.country, destination.country, NULL, NULL, %s, 0.8) AS answer "
        "WHERE origin.country < 'CO'",
        days(99).date(),
        days(100),
    )[0]
    assert found["pairs"] > 10_000
    assert found["pairs"] == found["answered"] == found["ordered"]


@pytest.mark.usefixtures("lanes")
def test_the_learned_curve_of_the_weekday_serves_where_there_is_one() -> None:
    execute(
        "INSERT INTO serving.learned_curve VALUES ('CN||BR|||', 'order_to_door', 0, %s, '7')",
        even(40),
    )
    sunday_in_brazil = datetime.fromisoformat("2026-06-01T02:00:00+00:00")
    monday_in_brazil = datetime.fromisoformat("2026-06-01T03:00:00+00:00")
    table = promise("CN", "BR", starts_at=sunday_in_brazil)
    assert (table["latest"], table["basis"]) == (date(2026, 6, 18), "life table of lane CN → BR")
    learned = promise("CN", "BR", starts_at=monday_in_brazil)
    assert learned["latest"] == date(2026, 7, 7)  # 36 days from 00:00
    assert learned["basis"] == "learned hazard 7 of lane CN → BR, effective n 240"
    assert promise("CN", "BR", starts_at=monday_in_brazil, clock="handover")["basis"].startswith("life table of ")


@pytest.mark.usefixtures("lanes")
def test_matured_promises_move_the_levels_of_every_confidence() -> None:
    # A line in log-odds: 0.1 reads 0.2, 0.9 reads 0.95.
    execute(
        "INSERT INTO serving.promise_level SELECT 'order_to_door', 'BR', (ln(0.2 / 0.8) + ln(0.95 / 0.05)) / 2, "
        "(ln(0.95 / 0.05) - ln(0.2 / 0.8)) / (2 * ln(0.9 / 0.1)), ops.as_of()"
    )
    found = promise("CN", "BR", starts_at=days(100))
    assert (found["earliest"], found["latest"]) == (days(104).date(), days(119).date())
    assert found["basis"].endswith("; levels by matured promises")
    assert promise("CN", "BR", starts_at=days(100), clock="handover")["earliest"] == days(102).date()
    assert promise("DE", "JP", starts_at=days(100))["basis"] == "life table of world"
    ranges = [promise("CN", "BR", starts_at=days(100), confidence=share / 100) for share in range(1, 100, 7)]
    for narrow, wide in pairwise(ranges):
        dates = (wide["earliest"], narrow["earliest"], narrow["likely"], narrow["latest"], wide["latest"])
        assert [*dates] == sorted(date for date in dates if date is not None)


@pytest.mark.usefixtures("lanes")
def test_coverage_is_of_the_narrowest_that_was_measured_at_this_confidence() -> None:
    execute(
        "INSERT INTO serving.promise_coverage (scope, measure, confidence, n, coverage) VALUES "
        "('all', 'order_to_door', 0.8, 900, 0.79), ('all', 'order_to_door', 0.5, 50, 0.52), "
        "('level carrier', 'order_to_door', 0.8, 80, 0.81), ('lane CN → BR', 'order_to_door', 0.8, 30, 0.9)"
    )
    assert promise("CN", "BR")["coverage"] == 0.9
    assert promise("CN", "BR", "ups", confidence=0.5)["coverage"] == 0.52
    assert promise("DE", "JP")["coverage"] == 0.79
    assert promise("DE", "JP", confidence=0.7)["coverage"] is None
    assert promise("CN", "BR", clock="handover")["coverage"] is None
    put_lane(even(9), {"origin_country": "US", "destination_country": "BR", "carrier": "ups"})
    assert promise("US", "BR", "ups")["coverage"] == 0.81
    told = rows("SELECT level, coverage_90d FROM mart.delivery_time WHERE measure = 'order_to_door'")
    assert {(row["level"], float(row["coverage_90d"])) for row in told} == {
        ("world", 0.79),
        ("destination_country", 0.79),
        ("destination_region", 0.79),
        ("lane_country", 0.9),
        ("carrier", 0.9),
        ("service", 0.9),
        ("carrier", 0.81),
    }


@pytest.mark.usefixtures("lanes")
def test_dates_are_those_of_the_destination() -> None:
    put_lane([0, 0.5, 1], CN_BR)  # half within a day, all within a day and a half
    # 01:00 UTC on the third is still the second in Sao Paulo, and 10:00 on the third in Tokyo.
    asked = datetime.fromisoformat("2026-05-02T01:00:00+00:00")
    assert promise("CN", "BR", starts_at=asked)["likely"] == date(2026, 5, 2)
    put_lane([0, 0.5, 1], {"origin_country": "CN", "destination_country": "JP"})
    assert promise("CN", "JP", starts_at=asked)["likely"] == date(2026, 5, 3)


@pytest.mark.usefixtures("lanes")
def test_now_is_as_of_and_each_clock_has_its_own_curve() -> None:
    assert promise("CN", "BR", as_of=days(50))["likely"] == days(60).date()
    put_lane(even(6), CN_BR, measures=["handover_to_door"])
    assert promise("CN", "BR", clock="handover", as_of=days(50))["likely"] == days(53).date()


def test_nothing_delivered_yet() -> None:
    assert promise("CN", "BR", as_of=days(0)) == {
        "earliest": None,
        "likely": None,
        "latest": None,
        "n": 0,
        "basis": "no parcel delivered yet",
        "coverage": None,
    }


def test_a_curve_of_one_day_and_one_that_stands_still() -> None:
    put_lane([0.0, 1.0])
    one = promise("CN", "BR", starts_at=days(10), confidence=0.99)
    assert (one["earliest"], one["latest"]) == (days(10).date(), days(11).date())
    put_lane([0.5, 0.5, 0.5, 0.5, 1.0])  # half at once, half in the third day, from 2 to 3
    half = promise("CN", "JP", starts_at=days(10))
    assert (half["earliest"], half["likely"], half["latest"]) == (
        date(2026, 3, 12),
        date(2026, 3, 13),
        date(2026, 3, 15),
    )


REFUSALS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"clock": "sundial"}, "clock 'sundial' is not known"),
    ({"confidence": 0}, "confidence 0.0 is not above 0"),
    ({"confidence": 80}, "confidence 80.0 is not above 0"),
    ({"confidence": -0.5}, "confidence -0.5"),
    ({"confidence": float("nan")}, "confidence NaN"),
    ({"confidence": float("inf")}, "confidence Infinity"),
    ({"destination": "Brazil"}, "place 'BRAZIL' is neither a country nor a region"),
    ({"origin": "B🚚"}, "is neither a country nor a region"),
    ({"origin": "BR-"}, "place 'BR-'"),
    ({"carrier": "a\0b"}, "leave it out"),
    ({"starts_at": datetime(2026, 1, 1)}, "has no zone"),  # noqa: DTZ001
    ({"starts_at": datetime.fromisoformat("9999-12-31T00:00:00+00:00")}, "is not a moment"),
)


def test_bad_questions_name_cause_and_remedy() -> None:
    for question, problem in REFUSALS:
        with pytest.raises(NoPromise, match=problem) as refused:
            promise(**question)
        assert "ive" in str(refused.value) or "leave" in str(refused.value)  # every refusal says what to give instead


def test_sql_refuses_what_python_never_sends() -> None:
    for arguments in ("NULL, NULL, NULL, NULL, NULL, NULL", "NULL, NULL, NULL, NULL, 'infinity', 0.8"):
        with pytest.raises(psycopg2.errors.InvalidParameterValue):
            rows(f"SELECT * FROM mart.delivery_promise({arguments})")


def test_from_parcels_to_a_promise_kept() -> None:
    """Two hundred parcels, one every six hours, nine days and a half each: so is the promise, and its coverage."""
    put_shipments(
        {"shipment_id": number, "order_id": f"A-{number}", **CN_BR, "carrier": "ups"}
        | {"ordered_at": days(number / 4), "delivered_at": days(number / 4 + 9.5) if number < 160 else None}
        for number in range(1, 201)
    )
    refresh(as_of=days(50))
    found = promise("CN", "BR", "ups", starts_at=days(50), as_of=days(50))
    assert found["n"] == 159
    assert (
        days(59).date()
        <= (found["earliest"] or days(0).date())
        <= (found["latest"] or days(0).date())
        <= days(60).date()
    )
    assert found["basis"].startswith("life table of lane CN → BR, carrier ups, effective n ")
    done = keep(as_of=days(50))
    assert (done.issued, done.weeks) == (41, 0)  # the one that is ten days old, too: what comes after is a guess
    put_shipments(
        {"shipment_id": number, "order_id": f"A-{number}", **CN_BR, "carrier": "ups"}
        | {"ordered_at": days(number / 4), "delivered_at": days(number / 4 + 9.5)}
        for number in range(160, 201)
    )
    refresh(as_of=days(90))
    assert keep(as_of=days(90)).weeks == 1
    told = promise("CN", "BR", "ups", as_of=days(90))["coverage"]
    assert told is not None
    assert told > 0.7
