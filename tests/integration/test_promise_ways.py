"""The ways to a promise, command line and desk; and the day that is worth most, against numbers worked out apart."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg2
import pytest
from click.testing import CliRunner, Result
from delivery_rows import days, execute, rows
from fastapi import FastAPI, HTTPException
from promise_rows import CN_BR, bounds, even, put_lane
from starlette.testclient import TestClient

from lanecast.cli import cli
from lanecast.desk.app import PREFIX, create_app
from lanecast.warehouse import connection

ASKED = {"origin": "CN", "destination": "BR"}
PAIR = ("promise", "--from", "CN", "--to", "BR")
LOG = "SELECT * FROM mart.promise_log"


@pytest.fixture(autouse=True)
def lanes(warehouse: str) -> None:
    put_lane(even(20), CN_BR)


# ------------------------------------------------------------------------------------------------------------ desk


def client(user: Any = lambda: "somebody", **options: Any) -> TestClient:
    airflow = FastAPI()
    airflow.mount(PREFIX, create_app(user, **options))
    return TestClient(airflow)


def test_the_desk_answers_and_keeps_what_has_a_reference() -> None:
    execute("INSERT INTO ops.clock VALUES (true, '2026-06-01 12:00Z', now(), 0)")
    desk = client()
    asked = {**ASKED, "starts_at": "2026-06-01T12:00:00+00:00"}
    for answer in (
        desk.get(f"{PREFIX}/api/promise", params=asked),
        desk.post(f"{PREFIX}/api/promise", json=asked),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "earliest": "2026-06-03",
            "likely": "2026-06-11",
            "latest": "2026-06-19",
            "n": 100,
            "basis": "life table of lane CN → BR",
            "coverage": None,
            "promise_id": None,
            "issued_at": None,
        }
        assert answer.headers["cache-control"] == "no-store"
    assert rows(LOG) == []
    given = desk.post(f"{PREFIX}/api/promise", json={**asked, "order_id": "A-1", "tracking_number": "N-1"}).json()
    assert (
        desk.post(f"{PREFIX}/api/promise", json={**asked, "order_id": "A-1", "tracking_number": "N-1"}).json() == given
    )
    (kept,) = rows(LOG)
    assert (kept["promise_id"], kept["order_id"], kept["tracking_number"]) == (given["promise_id"], "A-1", "N-1")
    assert kept["latest"].isoformat() == given["latest"] == "2026-06-19"


REFUSED: tuple[dict[str, Any], ...] = (
    {"destination": "Brazil"},
    {"confidence": 0},
    {"confidence": 1.5},
    {"confidence": "NaN"},
    {"clock": "sundial"},
    {"starts_at": "2026-06-01T12:00:00"},
    {"starts_at": "soon"},
    {"order_id": "A" * 201},
    {"order_id": "A\0"},
    {"latest": "2026-01-01"},
)


def test_the_desk_refuses_a_bad_question() -> None:
    desk = client()
    for bad in REFUSED:
        answer = desk.post(f"{PREFIX}/api/promise", json={"order_id": "A-1", **ASKED, **bad})
        assert (answer.status_code, "detail" in answer.json()) == (422, True), (bad, answer.text)
    told = desk.get(f"{PREFIX}/api/promise", params={"destination": "Brazil"}).json()
    assert told["detail"] == "place 'BRAZIL' is neither a country nor a region"
    assert told["remedy"].startswith("Give an ISO 3166-1 country")
    assert desk.get(f"{PREFIX}/api/promise", params={"order_id": "A-1"}).status_code == 422  # a question keeps nothing
    plain = desk.post(f"{PREFIX}/api/promise", content=json.dumps(ASKED), headers={"Content-Type": "text/plain"})
    assert plain.status_code == 422  # what a form of another site could send
    assert rows(LOG) == []


def test_nobody_is_promised_anything_without_being_let_in() -> None:
    def refuse() -> None:
        raise HTTPException(401, "Not authenticated")

    desk = client(refuse)
    assert desk.get(f"{PREFIX}/api/promise").status_code == 401
    assert desk.post(f"{PREFIX}/api/promise", json={"order_id": "A-1"}).status_code == 401
    assert rows(LOG) == []


def test_the_desk_says_what_is_wrong_where_there_is_no_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise connection.NoWarehouse("no warehouse is configured")

    desk = client(address=missing)
    for answer in (desk.get(f"{PREFIX}/api/promise"), desk.post(f"{PREFIX}/api/promise", json={})):
        assert (answer.status_code, set(answer.json())) == (503, {"detail", "remedy"})


# ----------------------------------------------------------------------------------------------------- command line


def lanecast(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_the_command_keeps_a_promise_where_it_is_told_whose() -> None:
    asked = lanecast(*PAIR, "--json")
    assert json.loads(asked.stdout)["n"] == 100
    assert rows(LOG) == []
    told = lanecast(*PAIR, "--order-id", "A-1")
    (kept,) = rows(LOG)
    assert f"kept as promise {kept['promise_id']}" in told.stdout
    assert f"to {kept['latest']}" in told.stdout
    assert "were kept" not in told.stdout
    execute("INSERT INTO serving.promise_coverage VALUES ('all', 'order_to_door', 0.8, 70, 0.7857)")
    assert "79 % of such promises were kept in the last 90 days" in lanecast(*PAIR).stdout
    again = json.loads(lanecast(*PAIR, "--tracking-number", "N-1", "--json").stdout)
    assert {row["promise_id"] for row in rows(LOG)} == {kept["promise_id"], again["promise_id"]}


def test_the_command_chooses_the_day_and_draws_it(tmp_path: Path) -> None:
    prices = ("--late-day-cost", "4", "--earlier-day-value", "1")
    plot = tmp_path / "days.svg"
    told = lanecast(*PAIR, *prices, "--starts-at", "2026-06-01T12:00:00+00:00", "--plot", str(plot))
    assert told.exit_code == 0, told.output
    # Even over 20 days: a quarter is late at day 15, by 25 / 40 days.
    assert told.stdout.startswith(
        "Promise 2026-06-16, 15 days from the start: 25.0 % come later, 0.62 late days per parcel.\n"
    )
    assert "Worth -17.50 per parcel; best at 15.0 days" in told.stdout
    (best,) = [line for line in told.stdout.splitlines() if line.endswith(" <- best")]
    assert best.split()[:2] == ["15", "2026-06-16"]
    drawn = ElementTree.fromstring(plot.read_text())
    curves = [one.attrib["points"].split() for one in drawn if one.tag.endswith("polyline")]
    assert [len(points) for points in curves] == [21, 21]
    assert "best: 15 days, 2026-06-16" in [one.text for one in drawn]
    found = json.loads(lanecast(*PAIR, *prices, "--json").stdout)
    assert (found["best"]["promised_days"], len(found["days"])) == (15, 21)


MISUSED = (
    (("--late-day-cost", "4"), "takes both"),
    (("--plot", "x.svg"), "takes both"),
    (("--late-day-cost", "4", "--earlier-day-value", "1", "--order-id", "A"), "is not kept"),
    (("--late-day-cost", "0", "--earlier-day-value", "1"), "late_day_cost 0.0 is not above 0. Give"),
    (("--late-day-cost", "nan", "--earlier-day-value", "1"), "late_day_cost NaN is not above 0. Give"),
    (("--late-day-cost", "4", "--earlier-day-value", "-1"), "earlier_day_value -1.0 is below 0. Give"),
    (("--late-day-cost", "4", "--earlier-day-value", "1", "--plot", "/nowhere/x.svg"), "the plot can't be written"),
)


def test_the_command_refuses_what_makes_no_sense() -> None:
    for arguments, problem in MISUSED:
        told = lanecast(*PAIR, *arguments)
        assert told.exit_code != 0
        assert problem in told.output


def test_without_parcels_there_is_nothing_to_choose() -> None:
    execute("DELETE FROM serving.delivery_time")
    assert "There is no range to promise: no parcel delivered yet." in lanecast(*PAIR).stdout
    assert "no parcel was delivered yet" in lanecast(*PAIR, "--late-day-cost", "4", "--earlier-day-value", "1").output
    assert rows("SELECT * FROM mart.best_promise_day('CN', 'BR', NULL, NULL, 4, 1)") == []


# ---------------------------------------------------------------------------------------------------- the best day


def trade_off(cost: float, value: float, lane: str = "'CN', 'BR', NULL, NULL") -> list[dict[str, Any]]:
    return rows(f"SELECT * FROM mart.promise_trade_off({lane}, %s, %s)", cost, value)


def test_the_trade_off_by_hand() -> None:
    found = trade_off(4, 1)
    assert [row["promised_days"] for row in found] == list(range(21))
    for row in found:
        day = row["promised_days"]
        assert float(row["p_late"]) == pytest.approx(1 - day / 20)
        assert float(row["expected_days_late"]) == pytest.approx((20 - day) ** 2 / 40)
        assert float(row["expected_value"]) == pytest.approx(-(day + 4 * (20 - day) ** 2 / 40))
        assert float(row["optimum_days"]) == pytest.approx(15)
        assert row["is_best"] == (day == 15)
    (best,) = rows("SELECT * FROM mart.best_promise_day('CN', 'BR', NULL, NULL, 4, 1)")
    assert best == {key: value for key, value in found[15].items() if key != "is_best"}


def test_the_ends_of_the_trade_off() -> None:
    assert [row["promised_days"] for row in trade_off(4, 0) if row["is_best"]] == [20]  # nothing gained: never late
    assert float(trade_off(4, 0)[0]["optimum_days"]) == pytest.approx(20)
    for value in (4, 400):  # an earlier day is worth more than a late one costs: promise at once
        assert [row["promised_days"] for row in trade_off(4, value) if row["is_best"]] == [0]
        assert float(trade_off(4, value)[0]["optimum_days"]) == 0
    for prices in ("NULL, 1", "4, NULL", "'infinity', 1", "4, 'NaN'"):
        with pytest.raises(psycopg2.errors.InvalidParameterValue):
            rows(f"SELECT * FROM mart.promise_trade_off('CN', 'BR', NULL, NULL, {prices})")


def test_the_best_day_of_any_lane_is_where_the_share_late_is_value_over_cost() -> None:
    """Against a plain search over a fine grid, with the integral of the share late by small steps."""
    draw = random.Random(11)
    ages = [0.0, *bounds(60)]
    for number in range(12):
        shares = sorted(draw.random() for _ in ages[2:])
        curve = [*[0.0 if draw.random() < 0.5 else share for share in shares[:1]], *shares[1:], 1.0]
        carrier = f"carrier{number}"
        put_lane(curve, CN_BR | {"carrier": carrier})
        cost, value = draw.uniform(1, 9), draw.uniform(0.05, 4)
        found = trade_off(cost, value, f"'CN', 'BR', '{carrier}', NULL")
        points = [0.0, *curve]

        def late(day: float, points: list[float] = points) -> float:
            if day >= 60:
                return 0.0
            at = max(i for i, age in enumerate(ages) if age <= day)
            part = (day - ages[at]) / (ages[at + 1] - ages[at])
            return 1 - (points[at] + part * (points[at + 1] - points[at]))

        step = 1 / 32
        grid = [i * step for i in range(60 * 32 + 1)]
        beyond = [0.0] * len(grid)
        for i in range(len(grid) - 2, -1, -1):
            beyond[i] = beyond[i + 1] + step * (late(grid[i]) + late(grid[i + 1])) / 2
        for row in found:
            at = row["promised_days"] * 32
            assert float(row["p_late"]) == pytest.approx(late(grid[at]))
            assert float(row["expected_days_late"]) == pytest.approx(beyond[at])
        worth = [-(value * day + cost * over) for day, over in zip(grid, beyond, strict=True)]
        best = grid[worth.index(max(worth))]
        optimum = float(found[0]["optimum_days"])
        assert abs(optimum - best) <= step + 1e-9
        if value < cost and optimum > 0:
            assert late(optimum) == pytest.approx(value / cost)
        whole = max(found, key=lambda row: row["expected_value"])
        assert whole["is_best"]
        assert abs(whole["promised_days"] - optimum) <= 1


def test_the_trade_off_knows_what_matured_promises_taught() -> None:
    """At the promise's own latest moment, nine tenths have arrived by the corrected curve."""
    execute(
        "INSERT INTO serving.promise_level SELECT 'order_to_door', '', (ln(0.2 / 0.8) + ln(0.95 / 0.05)) / 2, "
        "(ln(0.95 / 0.05) - ln(0.2 / 0.8)) / (2 * ln(0.9 / 0.1)), %s",
        days(0),
    )
    late = {row["promised_days"]: float(row["p_late"]) for row in trade_off(4, 1)}
    assert late[19] == pytest.approx(0.1)  # 0.95 of 20 days
    assert late[4] == pytest.approx(0.9)  # 0.2 of 20 days
    assert (late[0], late[20]) == (1, 0)
