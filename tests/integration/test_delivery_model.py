"""The learned hazard in the warehouse: what it learns reaches promises, and the life table serves where it must."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from delivery_rows import execute, mark_changed, rows
from model_world import NOW, fill, later

from lanecast.cli import cli
from lanecast.delivery import training
from lanecast.delivery.learned import choice, reading, store
from lanecast.delivery.learned.choice import quantile
from lanecast.delivery.learned.store import Curve, Noted, NoVersion
from lanecast.delivery.model import choice as memories
from lanecast.delivery.model import hazard
from lanecast.delivery.promise import promise
from lanecast.delivery.refresh import refresh
from lanecast.local.server import RunningServer
from lanecast.warehouse import clock
from sandbox_world import database

VERSION = "2026-06-14.1"
CURVES = "SELECT lane, measure, weekday, curve, model_version FROM serving.learned_curve ORDER BY 1, 2, 3"
LANE = "DE||FR|||"


@pytest.fixture(scope="module")
def _trained(server: RunningServer, template: str) -> Iterator[str]:
    """A warehouse in which the model was trained once, in a world where weekdays matter."""
    with database(server, template) as (name, address), pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        patched.setattr(choice, "FORTNIGHTS", 2)
        patched.setattr(memories, "MEMORIES", (2.7, 5.5))
        clock.set_clock(NOW, NOW, 0)
        fill(12)  # fewer than 300 deliveries in four weeks would leave all to the life table
        trained, published = training.train_and_follow()
        assert (trained.version, trained.status) == (VERSION, "trained"), trained.reason
        assert published is not None
        yield name


@pytest.fixture
def learned(server: RunningServer, _trained: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with database(server, _trained) as (_, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        yield address


def curves(lane: str = LANE) -> dict[int, list[float]]:
    """The learned curves from order to door, by weekday."""
    found = rows("SELECT weekday, curve FROM serving.learned_curve WHERE lane = %s AND measure = 'order_to_door'", lane)
    return {row["weekday"]: row["curve"] for row in found}


def truth(weekday: int, age: float, number: int = 4000) -> float:
    """How many of the world's parcels that are ordered on that weekday are there by an age, drawn anew."""
    draw = random.Random(7)
    arrived = 0
    for _ in range(number):
        ordered = NOW + timedelta(days=1 + weekday, hours=draw.uniform(0, 22))  # UTC; France is two hours ahead
        shipped = later(ordered, 1, draw)
        at = later(shipped, (5 if draw.random() < 0.5 else 1) + draw.randrange(2), draw)
        arrived += (at - ordered) <= timedelta(days=age)
    return arrived / number


@pytest.mark.usefixtures("learned")
def test_curves_know_the_weekday_which_the_life_table_does_not() -> None:
    found = curves()
    assert sorted(found) == list(range(7))
    (row,) = rows(
        "SELECT curve, serving.age_bounds(measure) AS ages FROM serving.delivery_time WHERE lane = %s AND measure = "
        "'order_to_door'",
        LANE,
    )
    ages = [3.0, 4.0, 5.0, 6.0, 9.0, 10.0]

    def at(curve: list[float], age: float) -> float:
        place = row["ages"].index(age)
        return curve[place] if place < len(curve) else 1.0

    real = {(weekday, age): truth(weekday, age) for weekday in (0, 2, 3) for age in ages}
    off_learned = np.mean([abs(at(found[weekday], age) - share) for (weekday, age), share in real.items()])
    off_table = np.mean([abs(at(row["curve"], age) - share) for (weekday, age), share in real.items()])
    assert off_learned < 0.06
    assert off_learned < off_table / 2
    # ordered on a Monday, near ones are there by Thursday; on a Thursday, the weekend comes first
    assert at(found[0], 4.0) > 0.4 > 0.1 > at(found[3], 3.0)


@pytest.mark.usefixtures("learned")
def test_a_curve_is_one_never_falling_and_ends() -> None:
    found = rows(CURVES)
    assert {row["model_version"] for row in found} == {VERSION}
    assert {row["lane"] for row in found} >= {"|||||", "||FR|||", LANE, "DE||FR||dhl|"}
    for row in found:
        assert row["curve"] == sorted(row["curve"])
        assert row["curve"][-1] == 1.0
        assert 0 <= row["curve"][0] < 1


@pytest.mark.usefixtures("learned")
def test_a_promise_reads_the_curve_of_its_weekday() -> None:
    for weekday, curve in curves().items():
        starts = NOW + timedelta(days=1 + weekday, hours=10)
        found = promise("DE", "FR", starts_at=starts, confidence=0.8)
        assert found["basis"].startswith(f"learned hazard {VERSION} of lane DE → FR, effective n ")
        told = rows("SELECT serving.quantile(%s, serving.age_bounds('order_to_door'), 0.9::float8) AS days", curve)[0][
            "days"
        ]
        assert found["latest"] == (starts + timedelta(days=told, hours=2)).date()
        ages = np.array(rows("SELECT serving.age_bounds('order_to_door') AS ages")[0]["ages"])
        share = np.ones((1, len(ages)))
        share[0, : len(curve)] = curve
        assert quantile(share, ages, 0.9)[0] == pytest.approx(told, abs=1e-9)
    assert promise("US", "JP", starts_at=NOW)["basis"].startswith(f"learned hazard {VERSION} of the world")


@pytest.mark.usefixtures("learned")
def test_what_serves_and_why_can_be_read() -> None:
    found = rows("SELECT * FROM mart.delivery_model ORDER BY measure, destination_country NULLS FIRST")
    (overall,) = [row for row in found if row["measure"] == "order_to_door" and row["destination_country"] is None]
    assert (overall["version"], overall["status"], overall["is_serving"]) == (VERSION, "serving", True)
    assert overall["learned_pinball"] < overall["floor_pinball"]
    assert overall["informed_pinball"] < overall["floor_pinball"] / 2  # a postcode tells the most
    assert overall["why"].endswith(f"over {overall['n']} orders")
    assert 0.7 < overall["learned_coverage"] < 0.95
    assert overall["shipments"] == rows("SELECT count(*) AS n FROM core.shipment")[0]["n"]
    assert overall["curves"] == len(rows(CURVES))
    assert overall["is_kept"]
    assert {row["destination_country"] for row in found} == {None, "ES", "FR"}
    for row in found:
        better = min(row["learned_pinball"], row["mixture_pinball"]) < row["floor_pinball"]
        assert better or row["preferred"] == "life table"
        assert row["is_serving"] == (row["learned_share"] > 0)


@pytest.mark.usefixtures("learned")
def test_the_same_data_gives_the_same_model_and_versions_change_places() -> None:
    first = rows(CURVES)
    trained = training.train()
    assert (trained.version, trained.status) == ("2026-06-14.2", "trained")
    assert rows(CURVES) == first  # killed here, the version before goes on
    assert _statuses() == {VERSION: "serving", "2026-06-14.2": "trained"}
    files = rows("SELECT version, measure, content FROM serving.delivery_model_file ORDER BY measure, version")
    contents = [bytes(row["content"]) for row in files]
    assert contents[::2] == contents[1::2]

    training.publish(trained.version)
    second = rows(CURVES)
    assert [row | {"model_version": VERSION} for row in second] == first
    assert {row["model_version"] for row in second} == {trained.version}
    assert _statuses() == {VERSION: "retired", trained.version: "serving"}

    told = CliRunner().invoke(cli, ["train", "delivery", "--restore", VERSION, "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["published"]["version"] == VERSION
    assert _statuses() == {VERSION: "serving", trained.version: "retired"}
    assert {row["model_version"] for row in rows(CURVES)} == {VERSION}


def _statuses() -> dict[str, str]:
    return {row["version"]: row["status"] for row in rows("SELECT version, status FROM serving.delivery_model")}


def test_readers_see_the_old_curves_until_all_of_the_new_are_there(
    learned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(CURVES)
    seen: list[Any] = []
    real = store.statement

    def watched(name: str, **tables: str) -> str:
        if name == "delivery_model/serve":
            seen.append(rows(CURVES))
        return real(name, **tables)

    monkeypatch.setattr(store, "statement", watched)
    store.put_in_use(VERSION, [Curve("|||||", "order_to_door", 0, [0.5, 1.0])])
    assert seen == [before]
    assert [row["curve"] for row in rows(CURVES)] == [[0.5, 1.0]]

    def killed(name: str, **tables: str) -> str:
        raise KeyboardInterrupt(name)

    monkeypatch.setattr(store, "statement", killed)
    with pytest.raises(KeyboardInterrupt):
        store.put_in_use(VERSION, [])
    assert [row["curve"] for row in rows(CURVES)] == [[0.5, 1.0]]


def test_a_version_that_is_not_kept_is_refused_with_those_that_are(learned: str) -> None:
    with pytest.raises(NoVersion, match=f"'2020-01-01.1' .* not kept; those that are: {VERSION}"):
        training.publish("2020-01-01.1")
    told = CliRunner().invoke(cli, ["train", "delivery", "--restore", "x"])
    assert told.exit_code == 1
    assert VERSION in told.output


@pytest.mark.usefixtures("learned")
def test_where_too_little_is_known_the_life_table_serves_alone() -> None:
    execute("DELETE FROM core.shipment WHERE shipment_id %% 20 > 1")
    mark_changed(row["shipment_id"] for row in rows("SELECT shipment_id FROM serving.shipment_status"))
    refresh(as_of=NOW)
    trained, published = training.train_and_follow(as_of=NOW)
    assert (trained.status, published) == ("none", None)
    assert trained.reason.startswith("too few orders have matured")
    assert rows(CURVES) == []
    assert promise("DE", "FR", starts_at=NOW)["basis"].startswith("life table of lane DE → FR")
    (row,) = rows("SELECT * FROM mart.delivery_model WHERE version = %s", trained.version)
    assert (row["measure"], row["preferred"], row["why"]) == (None, "life table", trained.reason)
    assert row["shipments"] < 200


@pytest.mark.usefixtures("warehouse")
def test_an_empty_warehouse_has_no_model() -> None:
    trained, published = training.train_and_follow(as_of=NOW)
    assert (trained.status, trained.shipments, published) == ("none", 0, None)


@pytest.mark.usefixtures("learned")
def test_without_lightgbm_the_version_before_stays_until_it_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise hazard.NoLightGBM("LightGBM can't be loaded (libgomp.so.1): install libgomp1")

    monkeypatch.setattr(training, "library", absent)
    trained, published = training.train_and_follow(as_of=NOW + timedelta(days=1))
    assert (trained.status, published) == ("none", None)
    assert "libgomp1" in trained.reason
    assert len(rows(CURVES)) > 0
    assert store.retire_stale(as_of=NOW + timedelta(days=store.STALE_DAYS)) == 0
    assert store.retire_stale(as_of=NOW + timedelta(days=store.STALE_DAYS, hours=1)) > 0
    assert rows(CURVES) == []
    assert _statuses()[VERSION] == "retired"


@pytest.mark.usefixtures("warehouse")
def test_the_last_versions_and_the_one_in_use_are_kept() -> None:
    names = [
        store.note(Noted(NOW, "trained", "a test"), [], {"order_to_door": b"model"}) for _ in range(store.KEPT + 3)
    ]
    assert names[-1] == f"2026-06-14.{store.KEPT + 3}"
    assert _kept() == set(names[-store.KEPT :])
    store.put_in_use(names[-1], [Curve("|||||", "order_to_door", 0, [1.0])])
    more = [store.note(Noted(NOW, "trained", "a test"), [], {"order_to_door": b"model"}) for _ in range(store.KEPT)]
    assert _kept() == {names[-1], *more}


@pytest.mark.usefixtures("warehouse")
def test_a_training_as_of_long_ago_is_kept() -> None:
    long_ago = NOW.replace(year=2018)
    version = store.note(Noted(long_ago, "trained", "a test"), [], {"order_to_door": b"model"})
    assert _kept() == {version} == {"2018-06-14.1"}


def _kept() -> set[str]:
    return {row["version"] for row in rows("SELECT version FROM serving.delivery_model_file")}


@pytest.mark.usefixtures("learned")
def test_what_is_read_is_bounded_and_leaves_out_what_ended_otherwise() -> None:
    everything = reading.read(as_of=NOW)
    assert everything.is_all
    newest = reading.read(as_of=NOW, most=100)
    assert not newest.is_all
    assert newest.shipment_id.tolist() == everything.shipment_id[:100].tolist()
    assert newest.ordered.min() >= everything.ordered[100:].max()
    thin = reading.read(as_of=NOW, most_days=2000)
    assert not thin.is_all
    assert 0.15 < len(thin) / len(everything) < 0.45  # five to six days each
    assert set(thin.shipment_id) < set(everything.shipment_id)
    assert thin.ordered.min() < everything.ordered.min() + 7
    assert set(everything.extra) == {"destination_postcode", "weight_g"}
    lost = everything.shipment_id[5]
    execute("UPDATE core.shipment SET milestone = 'lost', delivered_at = NULL WHERE shipment_id = %s", int(lost))
    gone = everything.shipment_id[6]
    execute("DELETE FROM core.shipment WHERE shipment_id = %s", int(gone))
    mark_changed([int(lost), int(gone)])
    refresh(as_of=NOW)
    assert set(everything.shipment_id) - set(reading.read(as_of=NOW).shipment_id) == {lost, gone}
    # on each clock in the order of its start, without what has not begun
    handed = everything.by("handover_to_door")
    assert len(handed) == int((everything.shipped < everything.now).sum()) < len(everything)
    assert (np.diff(handed.ordered) >= 0).all()
    assert np.isnan(handed.shipped).all()


@pytest.mark.usefixtures("learned")
def test_values_that_are_no_features_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"nested": {"a": 1}, "list": [1], "none": None, "flag": True, "long": "x" * 500, "dest\n": "a\tb\\"}
    execute("UPDATE core.shipment SET attributes = %s || jsonb_build_object('id', shipment_id)", json.dumps(odd))
    monkeypatch.setattr(reading, "_TEXTS", 50)
    told = reading.read(as_of=NOW, most=200)
    assert set(told.extra) == {"flag", "long", "dest\n"}
    assert told.extra["long"].labels == ("", "x" * 80)
