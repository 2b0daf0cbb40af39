"""What customers experienced and what followed: by hand, order by order with another library, and at the edges."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from delivery_rows import execute, rows
from experience_rows import LATE, Order, at, by_hand, put

from lanecast.cli import cli, customers
from lanecast.customers import experience
from lanecast.warehouse import connection

pytestmark = pytest.mark.usefixtures("warehouse")
NOW = 400.0


def mart(**wanted: Any) -> dict[str, Any]:
    """The one row of a country (None for all), segment and lateness."""
    (found,) = [
        row
        for row in rows("SELECT * FROM mart.delivery_experience")
        if all(row[column] == value for column, value in wanted.items())
    ]
    return found


def classes() -> dict[str, int]:
    """Orders by lateness, all countries and segments together."""
    told = rows(
        "SELECT lateness, orders FROM mart.delivery_experience WHERE destination_country IS NULL AND segment = 'all'"
    )
    return {row["lateness"]: row["orders"] for row in told}


# -------------------------------------------------------------------------------------------------- by hand


def first_orders(prefix: str, n: int, late: float, again: int, back: int, country: str = "GH") -> Iterator[Order]:
    """n customers' first orders on day 0, there on day 10, `late` days beyond the promise; of these so many order again
    five days later (by a parcel never followed), and so many send it back."""
    for number in range(n):
        customer = f"{prefix}{number}"
        returned = 15.0 if number >= n - back else None
        yield Order(customer, 0, 10, 10 - late, country, returned)
        if number < again:
            yield Order(customer, 15, country=country, has_parcel=False, value=30)


def test_shares_and_differences_are_those_worked_out_by_hand() -> None:
    put([*first_orders("a", 40, 0, again=20, back=4), *first_orders("b", 25, 5, again=5, back=5)])
    told = experience.refresh(as_of=at(NOW))
    assert told.orders == 65
    on_time = mart(destination_country="GH", segment="first_order", lateness="on_time")
    late = mart(destination_country="GH", segment="first_order", lateness="late_3_7_days")
    assert (on_time["orders"], on_time["customers"], late["orders"]) == (40, 40, 25)
    assert float(on_time["repeat_share"]) == pytest.approx(20 / 40)
    assert float(late["repeat_share"]) == pytest.approx(5 / 25)
    assert float(on_time["return_share"]) == pytest.approx(4 / 40)
    assert (late["median_days_to_next_order"], float(late["median_days"]), float(late["mean_days_late"])) == (5, 10, 5)
    # Wilson, worked out with another program: 20 of 40, and 5 of 25
    assert [float(on_time[f"repeat_{end}"]) for end in ("lower", "upper")] == pytest.approx(
        [0.35199, 0.64801], abs=1e-5
    )
    assert [float(late[f"repeat_{end}"]) for end in ("lower", "upper")] == pytest.approx([0.08861, 0.39130], abs=1e-5)
    # Newcombe: -0.3 - sqrt((0.2 - 0.08861)^2 + (0.64801 - 0.5)^2), -0.3 + sqrt((0.3913 - 0.2)^2 + (0.5 - 0.35199)^2)
    assert float(late["repeat_difference"]) == pytest.approx(-0.3)
    assert float(late["repeat_difference_lower"]) == pytest.approx(-0.48524, abs=1e-5)
    assert float(late["repeat_difference_upper"]) == pytest.approx(-0.05813, abs=1e-5)
    assert float(late["return_difference"]) == pytest.approx(5 / 25 - 4 / 40)
    # what was ordered next, of which half and a fifth were worth 30; what came back was worth 10
    assert (float(on_time["mean_value_next"]), float(late["mean_value_next"])) == pytest.approx((15, 6))
    assert (float(on_time["mean_order_value"]), float(on_time["mean_value_returned"])) == pytest.approx((10, 1))
    assert float(late["value_difference"]) == pytest.approx(-9)
    # variances of the means: 900 / 4 / 39 and 900 * 0.2 * 0.8 / 24
    half = 1.959964 * (900 / 4 / 39 + 900 * 0.16 / 24) ** 0.5
    assert float(late["value_difference_upper"]) == pytest.approx(-9 + half, abs=1e-4)
    whole = mart(destination_country=None, segment="all", lateness="all")
    assert (whole["orders_due"], float(whole["late_share"])) == (65, pytest.approx(25 / 65))
    assert whole["repeat_difference"] is None


def test_a_difference_over_all_countries_compares_each_with_itself() -> None:
    """In GH half order again whatever happens, in IS a fifth; most late parcels are IS's: lateness cost nothing."""
    put(
        [
            *first_orders("a", 80, 0, again=40, back=0, country="GH"),
            *first_orders("b", 20, 5, again=10, back=0, country="GH"),
            *first_orders("c", 20, 0, again=4, back=0, country="IS"),
            *first_orders("d", 80, 5, again=16, back=0, country="IS"),
            *first_orders("e", 30, 5, again=30, back=0, country="SN"),  # on time never: like can't be compared
        ]
    )
    experience.refresh(as_of=at(NOW))
    late = mart(destination_country=None, segment="all", lateness="late")
    on_time = mart(destination_country=None, segment="all", lateness="on_time")
    assert float(late["repeat_share"]) == pytest.approx(56 / 130)
    assert float(on_time["repeat_share"]) == pytest.approx(44 / 100)
    assert (float(late["repeat_difference"]), late["repeat_difference_n"]) == (pytest.approx(0), 100)
    assert float(late["repeat_difference_lower"]) < 0 < float(late["repeat_difference_upper"])
    assert mart(destination_country="SN", segment="all", lateness="late")["repeat_difference"] is None


def test_what_few_orders_tell_is_left_out() -> None:
    put([*first_orders("a", 19, 0, again=9, back=1), *first_orders("b", 20, 5, again=9, back=1)])
    experience.refresh(as_of=at(NOW))
    few = mart(destination_country="GH", segment="first_order", lateness="on_time")
    assert few["orders"] == 19
    figures = ("median_days", "mean_days_late", "repeat_share", "return_lower", "mean_order_value", "mean_value_next")
    assert [few[name] for name in figures] == [None] * len(figures)
    enough = mart(destination_country="GH", segment="first_order", lateness="late")
    assert None not in [enough[name] for name in figures]
    assert enough["repeat_difference"] is None, "for there are too few to compare with"


def test_orders_followed_for_a_part_of_the_time_count_for_that_part() -> None:
    """40 orders followed to the end, 10 of them ordered again on day 5; 20 followed for 30 days, 10 again on day 5: by
    then 20 of 60 have ordered again, and none since."""
    whole = [*first_orders("a", 40, 0, again=10, back=0)]
    recent = [replace(one, **_moved(one, 360)) for one in first_orders("b", 20, 0, again=10, back=0)]
    put([*whole, *recent])
    experience.refresh(as_of=at(NOW))
    found = mart(destination_country="GH", segment="first_order", lateness="on_time")
    assert (found["repeat_n"], found["repeat_n_complete"]) == (60, 40)
    assert float(found["repeat_share"]) == pytest.approx(20 / 60)
    # Greenwood: 20 / (60 * 40), so that the effective number is that of all 60
    lower, upper = float(found["repeat_lower"]), float(found["repeat_upper"])
    assert (lower, upper) == pytest.approx((0.22729, 0.45943), abs=1e-5)


def _moved(one: Order, days: float) -> dict[str, float]:
    told = {name: getattr(one, name) for name in ("ordered", "delivered", "promised")}
    return {name: value + days for name, value in told.items() if value is not None}


# --------------------------------------------------------------------------------------------- order by order


def some_orders(seed: int, n: int = 700) -> list[Order]:
    """Orders of few customers to three countries, so that every class and segment has some; moments never coincide."""
    draw = random.Random(seed)
    made = []
    for _ in range(n):
        ordered = draw.uniform(0, 350)
        promised = draw.choice([None, *[round(ordered) + 8] * 5])
        fate = draw.random()
        delivered = ordered + draw.uniform(2, 25) if fate < 0.9 else None
        lost = fate > 0.96
        made.append(
            Order(
                draw.choice([*[None] * 15, *(f"c{number}" for number in range(120))]),
                ordered,
                delivered,
                promised,
                draw.choice(["GH", "IS", "SN", None]),
                ordered + draw.uniform(1, 90) if draw.random() < 0.2 else None,
                "delivered" if delivered else "lost" if lost else "in_transit",
                ordered + draw.uniform(10, 20) if lost else None,
                float(draw.randint(1, 100)),
                draw.choice(["EUR", "EUR", "USD"]),
                "cancelled" if draw.random() < 0.05 else "paid",
            )
        )
    return made


@pytest.mark.parametrize("seed", [1, 2])
def test_every_row_is_what_the_definitions_say_order_by_order(seed: int) -> None:
    orders = some_orders(seed)
    put(orders)
    experience.refresh(as_of=at(300.25))
    # of the future nothing is known yet; a delivery that lies ahead is none
    known = [_as_seen(one, 300.25) for one in orders if one.ordered <= 300.25]
    expected = by_hand(known, 300.25)
    found = {
        (row["destination_country"], row["segment"], row["lateness"]): row
        for row in rows("SELECT * FROM mart.delivery_experience")
    }
    assert found.keys() == expected.keys()
    assert len(expected) > 80
    compared = 0
    for key, told in expected.items():
        for column, value in told.items():
            got = found[key][column]
            if column == "currency":
                assert got == value, key
                continue
            assert (got is None) == (value is None), (key, column, got, value)
            if value is not None:
                assert float(got) == pytest.approx(float(value)), (key, column)
                compared += 1
    assert compared > 500
    for column in ("repeat", "return"):
        for row in found.values():
            if row[f"{column}_share"] is not None:
                assert 0 <= row[f"{column}_lower"] <= row[f"{column}_share"] <= row[f"{column}_upper"] <= 1


def _as_seen(one: Order, now: float) -> Order:
    changes: dict[str, Any] = {}
    if one.delivered is not None and one.delivered > now:
        changes |= {"delivered": None}
    if one.returned is not None and one.returned > now:
        changes |= {"returned": None}
    return replace(one, **changes)


def test_parts_add_up_to_wholes() -> None:
    put(some_orders(3))
    experience.refresh(as_of=at(300.25))
    found = {
        (row["destination_country"], row["segment"], row["lateness"]): row["orders"]
        for row in rows("SELECT * FROM mart.delivery_experience")
    }
    kinds = ("early", "on_time", *LATE, "never_arrived", "no_promise")
    for country in ("GH", "IS", "SN", None):
        for segment in ("first_order", "second_or_third", "regular", "guest", "all"):
            assert sum(found.get((country, segment, kind), 0) for kind in kinds) == found[country, segment, "all"]
            assert sum(found.get((country, segment, kind), 0) for kind in LATE) == found[country, segment, "late"]
        parts = sum(
            found[country, segment, "all"] for segment in ("first_order", "second_or_third", "regular", "guest")
        )
        assert parts == found[country, "all", "all"]


# ------------------------------------------------------------------------------------------------- the edges

_LATE_TO_BRAZIL = (
    "SELECT orders FROM mart.delivery_experience "
    "WHERE destination_country = 'BR' AND segment = 'all' AND lateness = 'late'"
)


@pytest.mark.parametrize(
    ("order", "lateness"),
    [
        (Order("a", 0, 7, 10), "early"),
        (Order("a", 0, 7.6, 10), "on_time"),  # 02:24 two days before the promise
        (Order("a", 0, 10.4, 10), "on_time"),  # 21:36 of the promised day
        (Order("a", 0, 10.6, 10), "late_1_2_days"),
        (Order("a", 0, 12.4, 10), "late_1_2_days"),
        (Order("a", 0, 12.6, 10), "late_3_7_days"),
        (Order("a", 0, 17.6, 10), "late_over_a_week"),
        (Order("a", 0, 5), "no_promise"),
        (Order("a", 0, None, 10, milestone="lost", ended=20), "never_arrived"),
        (Order("a", 0, None, 10, milestone="in_transit"), "never_arrived"),
        (Order("a", NOW - 35, None, NOW - 30, milestone="in_transit"), "open"),
        (Order("a", NOW - 35, None, NOW - 31, milestone="in_transit"), "never_arrived"),
        (Order("a", 0, None, 10, milestone="tracking_expired"), "open"),  # nobody saw it arrive; it may have
        (Order("a", 5, 3, 10), None),  # there before it was ordered: another's parcel
        (Order("a", 0, None, 10, milestone="cancelled"), None),
        (Order("a", 0, 5, 10, status="cancelled"), None),
        (Order("a", 0, 5, 10, value=-1), "early"),
    ],
)
def test_what_counts_as_what(order: Order, lateness: str | None) -> None:
    put([order])
    experience.refresh(as_of=at(NOW))
    if lateness is None:
        assert classes() == {}
    elif lateness == "open":
        row = mart(destination_country="GH", segment="first_order", lateness="all")
        assert (row["orders"], row["orders_open"]) == (0, 1)
    else:
        late = {"late": 1} if lateness in LATE else {}
        assert classes() == {lateness: 1, "all": 1} | late


def test_what_is_cancelled_or_withdrawn_later_is_not_yet() -> None:
    put([Order("a", 0, 5, 10, status="cancelled"), Order("b", 0, 5, 10)])
    execute("UPDATE core.customer_order SET cancelled_at = %s WHERE order_id = 'O1'", at(NOW + 1))
    execute("UPDATE core.order_line SET withdrawn_at = %s WHERE order_id = 'O2'", at(NOW + 1))
    experience.refresh(as_of=at(NOW))
    assert classes() == {"early": 2, "all": 2}
    experience.refresh(as_of=at(NOW + 2))
    assert classes() == {}


def test_an_order_has_arrived_with_the_last_of_its_parcels() -> None:
    put([Order("a", 0, 5, 6), Order("a", 0, 9, 6)])
    for table in ("core.shipment", "serving.shipment_status"):
        execute(f"UPDATE {table} SET order_id = 'O1' WHERE shipment_id = 2")
    experience.refresh(as_of=at(NOW))
    assert classes() == {"late_3_7_days": 1, "late": 1, "all": 1}
    execute("UPDATE serving.shipment_status SET delivered_at = NULL, milestone = 'lost' WHERE shipment_id = 2")
    experience.refresh(as_of=at(NOW))
    assert classes() == {"never_arrived": 1, "all": 1}


def test_days_are_those_of_the_place_and_a_promise_at_midnight_is_a_date() -> None:
    """21:36 UTC is the next morning in Japan, and 02:24 UTC the evening before in Brazil."""
    put([Order("a", 0, 10.4, 10, "JP"), Order("b", 0, 10.4, 10, "BR"), Order("c", 0, 10.6, 10, "BR")])
    experience.refresh(as_of=at(NOW))
    assert mart(destination_country="JP", segment="all", lateness="late_1_2_days")["orders"] == 1
    assert mart(destination_country="BR", segment="all", lateness="on_time")["orders"] == 2
    # midnight in Brazil is the day, too; half past four is a moment
    for moment, late in (("2026-01-15 03:00Z", 0), ("2026-01-15 04:00Z", 0), ("2026-01-15 19:30Z", 2)):
        execute("UPDATE core.shipment SET promised_at = %s", moment)
        experience.refresh(as_of=at(NOW))
        row = mart(destination_country="BR", segment="all", lateness="all")
        assert (row["orders_due"], float(row["mean_days_late"] or 0)) == (2, 0)
        assert sum(one["orders"] for one in rows(_LATE_TO_BRAZIL)) == late, moment


def test_what_the_order_was_promised_comes_before_what_the_shop_noted_and_the_first_counts() -> None:
    put([Order("a", 0, 10, 20)])
    _promise("O1", None, issued=0.1, latest=8)
    _promise("O1", None, issued=0.2, latest=30)
    _promise("O1", 1, issued=0.0, latest=40)
    experience.refresh(as_of=at(NOW))
    assert classes() == {"late_1_2_days": 1, "late": 1, "all": 1}


def test_a_promise_given_after_shipping_is_none() -> None:
    put([Order("a", 0, 10)])
    _promise("O1", None, issued=0.6, latest=8)
    experience.refresh(as_of=at(NOW))
    assert classes() == {"no_promise": 1, "all": 1}
    _promise("O1", 1, issued=0.4, latest=12)
    experience.refresh(as_of=at(NOW))
    assert classes() == {"on_time": 1, "all": 1}


def _promise(order: str, shipment_id: int | None, issued: float, latest: float) -> None:
    with connection.connect(role="owner") as link, link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO serving.promise_log (promise_hash, issued_at, recorded_at, issued_week, order_id, "
            "shipment_id, measure, starts_at, age_days, confidence, lane, level, lower_level, likely_level, "
            "upper_level, lower_days, likely_days, upper_days, earliest, likely, latest, matures_at, n, basis, "
            "model_version) "
            "VALUES (sha256(random()::text::bytea), %(issued)s, %(issued)s, '2026-01-05', %(order)s, %(shipment)s, "
            "'order_to_door', %(issued)s, 0, 0.8, '|||||', 'world', 0.1, 0.5, 0.9, 4, 5, 6, %(latest)s::date - 4, "
            "%(latest)s, %(latest)s, %(latest)s, 9, 'world', 'life table')",
            {"issued": at(issued), "order": order, "shipment": shipment_id, "latest": at(latest).date()},
        )


def test_a_return_told_by_behaviour_counts_and_one_before_the_parcel_came_too() -> None:
    put([Order(f"c{number}", 0, 10, 10) for number in range(20)])
    execute(
        "INSERT INTO core.interaction (interaction_hash, occurred_at, product_id, kind, order_id, run_id, ingested_at) "
        "VALUES (1, %s, 'p', 'return', 'O1', 't', %s), (2, %s, 'p', 'return', 'O2', 't', %s), "
        "(3, %s, 'p', 'view', 'O3', 't', %s), (4, %s, 'p', 'return', 'O4', 't', %s)",
        *(at(day) for day in (20, 20, 3, 3, 20, 20, 71, 71)),
    )
    experience.refresh(as_of=at(NOW))
    found = mart(destination_country="GH", segment="first_order", lateness="on_time")
    assert float(found["return_share"]) == pytest.approx(2 / 20), "a view is none, and day 61 is past the 60"


def test_the_command_tells_it_as_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customers, "in_warehouse", lambda work: work())
    run = CliRunner().invoke(cli, ["experience", "--country", "gh"])
    assert run.output.startswith("nothing is known of orders to GH, segment all")
    put([*first_orders("a", 40, 0, again=20, back=4), *first_orders("b", 25, 5, again=5, back=5)])
    experience.refresh(as_of=at(NOW))
    run = CliRunner().invoke(cli, ["experience", "--country", "gh"])
    assert run.exit_code == 0, run.output
    told = run.output.splitlines()
    assert told[0] == "GH, all: 65 orders, 38.5 % of 65 due ones late"
    assert [line[:18].strip() for line in told[2:-1]] == ["on time", "3-7 days late", "late", "all"]
    assert told[3].split()[3:8] == ["25", "10.0", "20.0", "%", "(8.9"]
    assert told[3].endswith("again -30.0 (-48.5 to -5.8), back +10.0 (-7.2 to +30.1)")
    assert "association" in told[-1]
    run = CliRunner().invoke(cli, ["experience", "--segment", "first_order", "--json"])
    rows_told = json.loads(run.output)["experience"]
    assert [row["lateness"] for row in rows_told] == ["on_time", "late_3_7_days", "late", "all"]
    assert rows_told[0]["destination_country"] is None


def test_it_is_worked_out_when_it_is_due() -> None:
    assert experience.refresh(as_of=at(0), at_once=False).seconds == 0, "without orders there is nothing to do"
    put([Order(f"c{number}", 0, 10, 10) for number in range(20)])
    assert experience.refresh(as_of=at(100), at_once=False).orders == 20
    assert experience.refresh(as_of=at(100.24), at_once=False).orders == 0
    assert experience.refresh(as_of=at(100) + timedelta(hours=6, minutes=1), at_once=False).orders == 20
    execute(
        "INSERT INTO core.customer_order (order_id, ordered_at, run_id, ingested_at) "
        "SELECT 'X' || n, %s, 't', %s FROM generate_series(1, 3) AS n",
        at(100),
        at(100),
    )
    assert experience.refresh(as_of=at(100.26), at_once=False).orders == 20, "a tenth more orders came"
    execute("DELETE FROM core.customer_order")
    assert experience.refresh(as_of=at(110), at_once=False).rows == 0
    assert rows("SELECT * FROM mart.delivery_experience") == []
