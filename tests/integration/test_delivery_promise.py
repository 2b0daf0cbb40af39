"""mart.delivery_promise(): the range by hand-worked numbers, the fallback along the levels, and bad questions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import psycopg2
import pytest
from delivery_rows import days, put_shipments, rows

from lanecast.delivery.promise import NoPromise, promise
from lanecast.delivery.refresh import refresh

pytestmark = pytest.mark.usefixtures("warehouse")


def parcels(first: int, count: int, slowest: float, **lane: Any) -> list[dict[str, Any]]:
    """`count` delivered parcels whose days from the order are spread evenly from 1 to `slowest`."""
    step = (slowest - 1) / (count - 1)
    return [
        {"shipment_id": first + i, "ordered_at": days(0), "delivered_at": days(1 + i * step), **lane}
        for i in range(count)
    ]


CN_BR = {"origin_country": "CN", "destination_country": "BR"}
SP_RJ = {
    "origin_country": "BR",
    "origin_region": "BR-SP",
    "destination_country": "BR",
    "destination_region": "BR-RJ",
}


@pytest.fixture
def history(warehouse: str) -> None:
    put_shipments(
        [
            *parcels(1000, 201, 21, **CN_BR, carrier="ups", service="standard"),
            *parcels(2000, 20, 5, **CN_BR, carrier="ups", service="express"),
            *parcels(3000, 19, 90, **CN_BR, carrier="dhl"),
            *parcels(4000, 30, 4, **SP_RJ, carrier="loggi"),
            *parcels(5000, 40, 7, origin_country="DE", destination_country="PT"),
            {"shipment_id": 1, "ordered_at": days(0), **CN_BR, "carrier": "ups", "service": "standard"},
        ]
    )
    refresh()


@pytest.mark.usefixtures("history")
def test_limits_are_the_quantiles() -> None:
    found = promise("CN", "BR", "ups", "standard", days(100), 0.8)
    # p10, p50, p90 are 3, 11 and 19 days; 09:00 UTC is 06:00 in Sao Paulo.
    assert found == {
        "earliest": days(103).date(),
        "likely": days(111).date(),
        "latest": days(119).date(),
        "n": 201,
        "basis": "lane CN → BR, carrier ups, service standard (n 201)",
        "coverage": None,
    }
    narrow = promise("CN", "BR", "ups", "standard", days(100), 0.004)
    assert (narrow["earliest"], narrow["latest"]) == (days(110.9).date(), days(111.1).date())
    # 0.437 lies between two points: 1 + 20 * 0.2815 = 6.63 days, which is 21:07 in Sao Paulo, and 15.37.
    between = promise("CN", "BR", "ups", "standard", days(100), 0.437)
    assert (between["earliest"], between["latest"]) == (date(2026, 6, 16), date(2026, 6, 25))


ANSWERS: tuple[tuple[tuple[str | None, ...], str], ...] = (
    (("CN", "BR", "ups", "express"), "lane CN → BR, carrier ups, service express (n 20)"),
    (("CN", "BR", "ups", "overnight"), "lane CN → BR, carrier ups (n 221)"),
    (("CN", "BR", "UPS ", None), "lane CN → BR, carrier ups (n 221)"),
    (("CN", "BR", "dhl", None), "lane CN → BR (n 240)"),
    (("cn", "br-am", None, None), "lane CN → BR (n 240)"),
    ((None, "BR", None, None), "to BR (n 270)"),
    (("US", "BR", "ups", "express"), "to BR (n 270)"),
    (("BR-SP", "BR-RJ", None, None), "lane BR-SP → BR-RJ (n 30)"),
    (("BR-SP", "BR-RJ", "loggi", None), "lane BR-SP → BR-RJ, carrier loggi (n 30)"),
    (("BR-MG", "BR-RJ", None, None), "to BR-RJ (n 30)"),
    (("BR-SP", "BR-AC", None, None), "lane BR → BR (n 30)"),
    (("DE", "JP", None, None), "world (n 310)"),
    ((None, None, None, None), "world (n 310)"),
    (("", "", "", ""), "world (n 310)"),
    (("CN", "ZZ", None, None), "world (n 310); ZZ is no country of ISO 3166-1"),
)


@pytest.mark.usefixtures("history")
def test_the_narrowest_lane_with_enough_parcels_answers() -> None:
    for (origin, destination, carrier, service), basis in ANSWERS:
        found = promise(origin, destination, carrier, service, days(100))
        assert found["basis"] == basis
        assert found["earliest"] is not None
        assert found["likely"] is not None
        assert found["latest"] is not None
        assert found["earliest"] <= found["likely"] <= found["latest"]


@pytest.mark.usefixtures("history")
def test_dates_are_those_of_the_destination() -> None:
    put_shipments(
        {"shipment_id": i, "ordered_at": days(0), "delivered_at": days(1), **CN_BR} for i in range(1000, 3019)
    )
    refresh()
    # 01:00 UTC on the third is still the second in Sao Paulo, and 10:00 on the third in Tokyo.
    asked = datetime.fromisoformat("2026-05-02T01:00:00+00:00")
    assert promise("CN", "BR", starts_at=asked)["likely"] == date(2026, 5, 2)
    assert promise("CN", None, starts_at=asked)["likely"] == date(2026, 5, 3)


@pytest.mark.usefixtures("history")
def test_now_is_as_of_and_the_handover_clock_is_another() -> None:
    assert promise("CN", "BR", "ups", "express", as_of=days(50))["likely"] == days(53).date()
    handed_over = promise("CN", "BR", clock="handover", as_of=days(50))
    assert (handed_over["n"], handed_over["likely"]) == (0, None)  # no parcel of these has a handover
    assert handed_over["basis"] == "no parcel delivered yet"


def test_few_parcels_and_none() -> None:
    assert promise("CN", "BR", as_of=days(0)) == {
        "earliest": None,
        "likely": None,
        "latest": None,
        "n": 0,
        "basis": "no parcel delivered yet",
        "coverage": None,
    }
    put_shipments([{"shipment_id": 1, "ordered_at": days(0), "delivered_at": days(3), **CN_BR}])
    refresh()
    one = promise("CN", "BR", as_of=days(10))
    assert (one["earliest"], one["latest"], one["basis"]) == (days(13).date(), days(13).date(), "world (n 1)")


REFUSALS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"clock": "sundial"}, "clock 'sundial' is not known"),
    ({"confidence": 0}, "confidence 0.0 is not above 0"),
    ({"confidence": 80}, "confidence 80.0 is not above 0"),
    ({"confidence": -0.5}, "confidence -0.5"),
    ({"confidence": float("nan")}, "confidence NaN"),
    ({"destination": "Brazil"}, "place 'BRAZIL' is neither a country nor a region"),
    ({"origin": "B🚚"}, "is neither a country nor a region"),
    ({"origin": "BR-"}, "place 'BR-'"),
    ({"starts_at": datetime(2026, 1, 1)}, "has no zone"),  # noqa: DTZ001
)


def test_bad_questions_name_cause_and_remedy() -> None:
    for question, problem in REFUSALS:
        with pytest.raises(NoPromise, match=problem) as refused:
            promise(**question)
        assert "ive" in str(refused.value)  # every refusal says what to give instead


def test_sql_refuses_what_python_never_sends() -> None:
    for arguments in ("NULL, NULL, NULL, NULL, NULL, NULL", "NULL, NULL, NULL, NULL, 'infinity', 0.8"):
        with pytest.raises(psycopg2.errors.InvalidParameterValue):
            rows(f"SELECT * FROM mart.delivery_promise({arguments})")
