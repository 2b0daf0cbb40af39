"""A large batch in parts: the same result as in one, also when it is cut off in the middle; and loads that wait."""

from __future__ import annotations

import os
import random
import threading
import time
from typing import Any

import pytest
from load_rows import JANUARY, NOW, Loader, Row, counts, days, event, shipment

from lanecast.warehouse import load as loading


@pytest.fixture
def loader(warehouse: str) -> Loader:
    return Loader(warehouse)


def batch_of_events() -> list[Row]:
    chance = random.Random(7)
    rows = [
        event(f"LC{number:04}", JANUARY + days(step * (200 if number % 9 == 0 else 1)), milestone, raw_answer_id=1)
        for number in range(40)
        for step, milestone in enumerate(("picked_up", "hub_arrived", "delivered", "returned"))
    ]
    rows += chance.sample(rows, 20)
    chance.shuffle(rows)
    return rows


def in_parts(monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    monkeypatch.setattr(loading, "PART_ROWS", 10)
    monkeypatch.setattr(os, "cpu_count", lambda: parts)


def quarantine(loader: Loader) -> list[tuple[Any, ...]]:
    return loader.asked("SELECT rule, row_hash, times_seen FROM quality.quarantined_row ORDER BY 1, 2")


@pytest.fixture
def whole(loader: Loader) -> tuple[Any, ...]:
    """What one part gives, after which the warehouse is emptied."""
    loader.shipments(shipment("A", "LC0000"), shipment("B", "LC0001"))
    result = loader.events(*batch_of_events(), rejected={3: "rule", 5: "rule"}, kind="pull")
    told = result, loader.contents(), quarantine(loader)
    for table in ("core.tracking_event", "core.shipment", "core.shipment_number", "quality.quarantined_row"):
        loader.execute(f"DELETE FROM {table}")
    loader.shipments(shipment("A", "LC0000"), shipment("B", "LC0001"))
    return told


@pytest.mark.parametrize("parts", [2, 3])
def test_parts_give_what_the_whole_gives(
    loader: Loader, whole: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    in_parts(monkeypatch, parts)
    merged: list[int] = []
    monkeypatch.setattr(loading, "_merge", counting(loading._merge, merged))
    result = loader.events(*batch_of_events(), rejected={3: "rule", 5: "rule"}, kind="pull")
    assert (result, loader.contents(), quarantine(loader)) == whole
    assert sorted(merged) == list(range(parts))
    assert loader.asked("SELECT FROM ops.load_part") == []


def counting(merge: Any, merged: list[int]) -> Any:
    def noted(cursor: Any, run: Any, batch: Any, part: int = 0, parts: int = 1) -> int:
        merged.append(part)
        return merge(cursor, run, batch, part, parts)

    return noted


@pytest.mark.parametrize("processors", [2, 1], ids=["same machine", "machine with one processor"])
def test_a_load_cut_off_between_parts_goes_on_where_it_was(
    loader: Loader, whole: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    in_parts(monkeypatch, 2)
    run = loader.open("tracking_event", kind="pull")
    batch = loader.stage(run, "tracking_event", batch_of_events(), {3: "rule", 5: "rule"})
    merge, waits = loading._merge, threading.Event()

    def cut_off(cursor: Any, run: Any, batch: Any, part: int = 0, parts: int = 1) -> int:
        if part == 1:
            until = time.monotonic() + 30
            while not loader.asked("SELECT FROM ops.load_part WHERE part = 0") and time.monotonic() < until:
                waits.wait(0.02)
            raise ConnectionError("cut off")
        return merge(cursor, run, batch, part, parts)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "_merge", cut_off)
        with pytest.raises(ConnectionError):
            loading.load(run, batch, loader.address)
    assert loader.asked("SELECT part FROM ops.load_part") == [(0,)]
    assert loader.asked("SELECT FROM quality.reconciliation WHERE run_id = %s", run.run_id) == []

    in_parts(monkeypatch, processors)
    merged: list[int] = []
    monkeypatch.setattr(loading, "_merge", counting(merge, merged))
    result = counts(loading.load(run, batch, loader.address))
    assert merged == [1], "what is done is not done again"
    assert (result, loader.contents(), quarantine(loader)) == whole


@pytest.mark.parametrize(
    ("holding", "waiting", "waits"),
    [
        ("tracking_event", "tracking_event", True),
        ("tracking_event", "shipment", True),
        ("order_line", "interaction", True),
        ("tracking_event", "interaction", False),
    ],
)
def test_loads_that_write_the_same_tables_wait_for_each_other(
    loader: Loader, holding: str, waiting: str, waits: bool
) -> None:
    run = loader.open(waiting)
    batch = loader.stage(run, waiting, [])
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(loading.load(run, batch, loader.address)))
    pause = threading.Event()
    with loading._one_at_a_time(holding, loader.address):
        thread.start()
        until = time.monotonic() + 20
        while time.monotonic() < until and not results and not blocked(loader):
            pause.wait(0.02)
        assert bool(blocked(loader)) is waits
        assert bool(results) is not waits
    thread.join(30)
    assert counts(results[0]) == (0, 0, 0)


def blocked(loader: Loader) -> list[Any]:
    return loader.asked(
        "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )


def test_two_batches_at_once_lose_nothing(loader: Loader) -> None:
    rows = batch_of_events()
    given = [loader.open("tracking_event", as_of=NOW) for _ in range(3)]
    batches = [loader.stage(run, "tracking_event", rows) for run in given]
    results: list[tuple[int, int, int]] = []
    threads = [
        threading.Thread(target=lambda run=run, batch=batch: results.append(counts(loading.load(run, batch))))
        for run, batch in zip(given, batches, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [(0, 180, 0), (0, 180, 0), (160, 20, 0)]
