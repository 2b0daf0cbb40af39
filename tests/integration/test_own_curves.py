"""Open shipments told by their own features: postcodes that begin with 9 take four working days more."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from delivery_rows import execute, mark_changed, rows
from model_world import NOW, fill, later

from lanecast.delivery import promises, training
from lanecast.delivery.learned import choice, own, store
from lanecast.delivery.model import choice as memories
from lanecast.delivery.model import hazard
from lanecast.delivery.refresh import refresh
from lanecast.local.server import RunningServer
from lanecast.under_way import refreshing
from lanecast.warehouse import clock
from sandbox_world import database

VERSION = "2026-06-14.1"
OWN = f"learned hazard {VERSION} of the parcel's own features"
CURVES = "SELECT * FROM serving.learned_shipment_curve ORDER BY shipment_id, measure"
FRIDAY = NOW - timedelta(days=2) + timedelta(hours=10)
NEAR, FAR = range(100_001, 100_101), range(100_101, 100_201)


@pytest.fixture(scope="module")
def _trained(server: RunningServer, template: str) -> Iterator[str]:
    with database(server, template) as (name, address), pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        patched.setattr(choice, "FORTNIGHTS", 1)
        patched.setattr(memories, "MEMORIES", (5.5,))
        patched.setattr(memories, "FLOOR_MEMORIES", (2.6,))
        patched.setattr(memories, "ROUNDS", (60,))
        clock.set_clock(NOW, NOW, 0)
        fill(15)
        trained, _ = training.train_and_follow()
        assert (trained.version, trained.status) == (VERSION, "trained"), trained.reason
        put(NEAR, "1")
        put(FAR, "9")
        yield name


@pytest.fixture
def learned(server: RunningServer, _trained: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with database(server, _trained) as (_, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        yield address


def put(numbers: range, begins: str, ordered: datetime = FRIDAY) -> None:
    """Parcels ordered at one moment to postcodes that begin so, of which nothing more is known."""
    for number in numbers:
        features = {"destination_postcode": f"{begins}{number % 1000:04d}", "weight_g": 500}
        execute(
            "INSERT INTO core.shipment (shipment_id, carrier, epoch, order_id, origin_country, destination_country, "
            "ordered_at, attributes, run_id, ingested_at, changed_at) "
            "VALUES (%s, 'ups', 1, %s, 'DE', 'FR', %s, %s, 'test', %s, %s)",
            *(number, f"order {number}", ordered, json.dumps(features), ordered, ordered),
        )
    mark_changed(numbers)
    refresh(as_of=NOW)


def promised(numbers: range) -> list[dict[str, Any]]:
    return rows(
        "SELECT * FROM serving.promise_log WHERE shipment_id BETWEEN %s AND %s AND measure = 'order_to_door'",
        *(numbers[0], numbers[-1]),
    )


def kept(found: list[dict[str, Any]], extra: int, draw: random.Random) -> float:
    """The share of promises that parcels of the world keep, drawn anew."""
    ends = [later(later(FRIDAY, 1, draw), extra + 1 + draw.randrange(2), draw) for _ in found]
    took = [(end - FRIDAY) / timedelta(days=1) for end in ends]
    within = [row["lower_days"] <= days <= row["upper_days"] for row, days in zip(found, took, strict=True)]
    return float(np.mean(within))


@pytest.mark.usefixtures("learned")
def test_near_and_far_are_promised_what_each_takes() -> None:
    assert own.refresh().version == VERSION
    promises.keep()
    near, far = promised(NEAR), promised(FAR)
    assert len(near) == len(far) == 100
    for row in near + far:
        assert row["basis"].startswith(OWN)
        assert (row["model_version"], row["lane"]) == (VERSION, "DE||FR||ups|")
    assert max(row["upper_days"] for row in near) < min(row["lower_days"] for row in far)
    draw = random.Random(5)
    assert kept(near, 0, draw) > 0.7
    assert kept(far, 4, draw) > 0.7

    execute("DELETE FROM serving.learned_shipment_curve")
    put(range(200_001, 200_002), "1")
    promises.keep()
    (lane,) = promised(range(200_001, 200_002))
    assert " of the parcel" not in lane["basis"]
    width = lane["upper_days"] - lane["lower_days"]
    assert max(row["upper_days"] - row["lower_days"] for row in near + far) < width * 2 / 3


@pytest.mark.usefixtures("learned")
def test_each_open_clock_has_one_curve_and_a_second_run_has_nothing_to_do() -> None:
    told = own.refresh()
    first = rows(CURVES)
    begun = rows(
        "SELECT count(ordered_at) + count(shipped_at) AS n FROM serving.shipment_status WHERE milestone <> 'delivered'"
    )[0]["n"]
    assert told.curves == len(first) == begun > 220
    assert {row["measure"] for row in first} == {"order_to_door", "handover_to_door"}
    for row in first:
        assert row["curve"] == sorted(row["curve"])
        assert row["curve"][-1] == 1.0
    again = own.refresh()
    assert (again.curves, again.removed) == (0, 0)
    assert rows(CURVES) == first
    execute("DELETE FROM serving.learned_shipment_curve")
    assert own.refresh(most=50).curves == begun
    assert rows(CURVES) == first


@pytest.mark.usefixtures("learned")
def test_curves_go_with_their_shipment_and_are_made_anew_where_its_clock_moves() -> None:
    own.refresh()
    erased, delivered, moved = NEAR[0], NEAR[1], NEAR[2]
    execute("DELETE FROM core.shipment WHERE shipment_id = %s", erased)
    execute("UPDATE core.shipment SET delivered_at = %s WHERE shipment_id = %s", NOW - timedelta(hours=1), delivered)
    execute("UPDATE core.shipment SET ordered_at = %s WHERE shipment_id = %s", FRIDAY - timedelta(days=3), moved)
    mark_changed([erased, delivered, moved])
    refresh(as_of=NOW)
    assert [row for row in rows(CURVES) if row["shipment_id"] == erased] == []
    promises.keep()
    (told,) = promised(range(moved, moved + 1))
    assert " of the parcel" not in told["basis"]  # its curve is of another start
    done = own.refresh()
    assert (done.curves, done.removed) == (1, 1)
    found = {row["shipment_id"]: row for row in rows(CURVES) if row["shipment_id"] in (erased, delivered, moved)}
    assert list(found) == [moved]
    assert found[moved]["starts_at"] == FRIDAY - timedelta(days=3)


@pytest.mark.usefixtures("learned")
def test_a_version_that_is_not_in_use_tells_nothing() -> None:
    own.refresh()
    execute("UPDATE serving.delivery_model SET status = 'retired'")
    promises.keep()
    refreshing.refresh(as_of=NOW)
    assert not any(" of the parcel" in row["basis"] for row in promised(NEAR))
    assert len(promised(NEAR)) == 100
    assert not any(row["basis"].startswith(OWN) for row in rows("SELECT basis FROM mart.shipment_eta"))
    told = own.refresh()
    assert (told.version, told.curves) == ("", 0)
    assert told.removed > 220
    training.publish(VERSION)
    assert own.refresh().curves == told.removed
    store.retire()
    assert rows(CURVES) == []


@pytest.mark.usefixtures("learned")
def test_stale_versions_take_the_curves_of_shipments_along(monkeypatch: pytest.MonkeyPatch) -> None:
    own.refresh()
    store.retire_stale(as_of=NOW + timedelta(days=store.STALE_DAYS, hours=1))
    assert rows(CURVES) == []


@pytest.mark.usefixtures("learned")
def test_where_it_does_not_serve_or_can_not_be_run_lanes_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise hazard.NoLightGBM("LightGBM can't be loaded (libgomp.so.1): install libgomp1")

    with monkeypatch.context() as patched:
        patched.setattr("lanecast.delivery.model.store.library", absent)
        assert own.refresh().curves == 0
    # the narrowest group decides: France is told by lanes, Spain by shipments
    execute("UPDATE serving.delivery_model_score SET informed_serves = destination_country IS DISTINCT FROM 'FR'")
    assert own.refresh().curves > 0
    assert {
        row["destination_country"]
        for row in rows(
            "SELECT DISTINCT destination_country FROM serving.learned_shipment_curve AS own "
            "INNER JOIN serving.shipment_status AS status ON own.shipment_id = status.shipment_id"
        )
    } == {"ES"}
    (row,) = rows(
        "SELECT is_serving_informed, informed_preferred FROM mart.delivery_model WHERE destination_country = 'FR' "
        "AND measure = 'order_to_door'"
    )
    assert row == {"is_serving_informed": False, "informed_preferred": "life table"}


@pytest.mark.usefixtures("warehouse")
def test_without_a_version_nothing_is_done() -> None:
    told = own.refresh()
    assert (told.version, told.curves, told.removed) == ("", 0, 0)


@pytest.mark.usefixtures("learned")
def test_days_left_of_parcels_that_nobody_moved_are_by_their_own_curve() -> None:
    own.refresh()
    refreshing.refresh(as_of=NOW)
    found = rows("SELECT * FROM mart.shipment_eta", as_of=NOW)
    by_own = {row["shipment_id"]: row for row in found if row["basis"] == OWN}
    unmoved = rows(
        "SELECT shipment_id FROM serving.shipment_status WHERE shipped_at IS NULL AND milestone = 'registered'"
    )
    assert set(by_own) == {row["shipment_id"] for row in unmoved} >= {*NEAR, *FAR}
    assert len(found) > len(by_own)  # those handed over are by what others took from there
    assert by_own[NEAR[0]]["p90"] < by_own[FAR[0]]["p10"]
    assert (by_own[NEAR[0]]["level"], by_own[NEAR[0]]["n"]) == (None, 0)
    # by hand: F(t) = F(age) + p (1 - F(age)), read off the curve, less the age
    (curve,) = (row["curve"] for row in rows(CURVES) if row["shipment_id"] == FAR[0])
    ages = rows("SELECT serving.age_bounds('order_to_door') AS ages")[0]["ages"][: len(curve)]
    age = (NOW - FRIDAY) / timedelta(days=1)
    gone = np.interp(age, [0.0, *ages], [0.0, *curve])
    for name, level in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        wanted = np.interp(gone + level * (1 - gone), [0.0, *curve], [0.0, *ages]) - age
        assert float(by_own[FAR[0]][name]) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.usefixtures("learned")
def test_days_left_by_a_curve_agree_with_its_quantiles_at_every_age() -> None:
    own.refresh()
    (row,) = rows(
        """
        SELECT
            count(*) AS n,
            count(*) FILTER (WHERE told.remaining IS NULL) AS beyond,
            max(abs(
                greatest(serving.quantile(own.curve, bounds.ages, gone.share + p * (1 - gone.share)) - age.days, 0)
                - told.remaining[level.place]
            )) AS off
        FROM serving.learned_shipment_curve AS own
        CROSS JOIN (VALUES (0::float8), (0.3), (2), (3.4), (7), (9.5), (400)) AS age (days)
        CROSS JOIN LATERAL (SELECT serving.age_bounds(own.measure) AS ages) AS bounds
        CROSS JOIN LATERAL (SELECT serving.delivered_by(own.curve, bounds.ages, age.days) AS share) AS gone
        CROSS JOIN LATERAL (SELECT serving.remaining_by_curve(own.curve, bounds.ages, age.days) AS remaining) AS told
        CROSS JOIN unnest(serving.remaining_levels()) WITH ORDINALITY AS level (p, place)
        WHERE own.shipment_id / 5 * 5 = own.shipment_id
        """
    )
    assert row["n"] > 1000
    assert row["n"] / 7 <= row["beyond"] < row["n"]
    assert row["off"] < 1e-9
