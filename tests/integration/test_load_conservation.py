"""Received = loaded + duplicate + quarantined, whatever comes; and what a stopped or repeated load leaves behind."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from load_rows import JANUARY, Loader, Row, counts, days, event, shipment

from lanecast.contracts import gate
from lanecast.warehouse import load as loading
from lanecast.warehouse.staging import StagingLost

MILESTONES = ("picked_up", "in_transit", "hub_arrived", "delivered", "returned")


@pytest.fixture
def loader(warehouse: str) -> Loader:
    return Loader(warehouse)


def some_event(chance: random.Random) -> Row:
    return event(
        f"LC{chance.randrange(6):04}",
        JANUARY + days(chance.choice((0, 1, 2, 150, 300, 301))) + timedelta(minutes=chance.randrange(3)),
        chance.choice(MILESTONES),
        city=chance.choice(("Bremen", "Lyon", None)),
    )


def some_shipment(chance: random.Random) -> Row:
    start = JANUARY + days(chance.choice((0, 100, 200)))
    return shipment(
        chance.choice(("A", "B", "C", None)),
        chance.choice(("LC0001", "LC0002", "LC0003")),
        carrier=chance.choice(("dhl", None)),
        service=chance.choice(("fast", None)),
        ordered_at=chance.choice((start, None)),
        shipped_at=chance.choice((start + days(1), None)),
        delivered_at=chance.choice((start + days(8), None)),
        attributes=chance.choice(('{"a": 1}', '{"b": 2}', None)),
    )


def some_line(chance: random.Random) -> Row:
    return {
        "order_id": chance.choice(("A", "B")),
        "ordered_at": JANUARY,
        "status": chance.choice(("paid", "shipped", None)),
        "product_id": chance.choice(("p1", "p2")),
        "quantity": chance.randrange(1, 3),
    }


def some_order(chance: random.Random, products: tuple[str | None, ...]) -> Row:
    """A line of a whole order, of one of several readings."""
    return some_line(chance) | {
        "customer_id": chance.choice(("c1", "erased", None)),
        "product_id": chance.choice(products),
        "changed_in_shop_at": JANUARY + days(chance.randrange(4)),
        "is_whole_order": True,
        "country": chance.choice(("BR", None)),
    }


def some_product(chance: random.Random) -> Row:
    return {
        "product_id": chance.choice(("p1", "p2", "p3")),
        "title": chance.choice(("Shoes", "Hat", None)),
        "unit_price": chance.choice((1, 2, None)),
        "changed_in_shop_at": chance.choice((JANUARY, JANUARY + days(1), None)),
        "withdrawn_at": chance.choice((None, None, JANUARY)),
    }


def some_interaction(chance: random.Random) -> Row:
    number = chance.randrange(20)
    return {
        "product_id": "p1",
        "kind": "view",
        "occurred_at": JANUARY + days(number % 3),
        "interaction_hash": number,
        "country": ("BR", None)[number % 2],
    }


MAKERS = {
    "tracking_event": some_event,
    "shipment": some_shipment,
    "order_line": some_line,
    "interaction": some_interaction,
    "product": some_product,
}


@pytest.mark.parametrize("dataset", MAKERS)
@pytest.mark.parametrize("seed", range(3))
def test_random_batches_add_up_and_load_nothing_the_second_time(loader: Loader, dataset: str, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        rows = [MAKERS[dataset](chance) for _ in range(chance.randrange(1, 30))]
        rejected = {place: f"rule-{place % 2}" for place in range(len(rows)) if chance.random() < 0.2}
        loaded, duplicate, quarantined = counts(loader.load(dataset, rows, rejected))
        assert quarantined >= len(rejected), "a merge may reject more, but never release"
        assert (loaded == 0) <= (duplicate + quarantined == len(rows))
        if dataset != "shipment":  # rows of one shipment may contradict each other there: see test_load_shipments
            assert quarantined == len(rejected)
            assert counts(loader.load(dataset, rows, rejected))[0] == 0
    seen = loader.asked("SELECT coalesce(sum(times_seen), 0) FROM quality.quarantined_row")[0][0]
    assert seen == loader.asked("SELECT sum(quarantined) FROM quality.reconciliation")[0][0]


@pytest.mark.parametrize("products", [("p1", "sku:1"), ("p1", "sku:1", None)])
def test_whole_orders_add_up_too(loader: Loader, products: tuple[str | None, ...]) -> None:
    chance = random.Random(7)
    loader.execute("INSERT INTO ops.erased_customer VALUES ('erased', now())")
    for _ in range(5):
        rows = [some_order(chance, products) for _ in range(chance.randrange(1, 30))]
        rejected = {place: f"rule-{place % 2}" for place in range(len(rows)) if chance.random() < 0.2}
        counts(loader.load("order_line", rows, rejected, kind="storefront", source="a shop"))
        again, _, _ = counts(loader.load("order_line", rows, rejected, kind="storefront", source="a shop"))
        # of a line whose product was missing, an older reading of the batch may have told it by now
        assert again == 0 or None in products
    assert loader.asked("SELECT FROM core.customer WHERE customer_id = 'erased'") == []
    assert loader.asked("SELECT FROM core.customer_order WHERE customer_id = 'erased'") == []
    assert loader.asked("SELECT FROM quality.quarantined_row WHERE row_data ->> 'customer_id' = 'erased'") == []


def test_loading_a_run_twice_returns_what_was_recorded(loader: Loader) -> None:
    run = loader.open("tracking_event")
    batch = loader.stage(run, "tracking_event", [event(), event("LC0002")], {1: "rule"})
    first = loading.load(run, batch, loader.address)
    assert counts(first) == (1, 0, 1)
    loader.execute(f"DROP TABLE {batch.rejected}, {batch.staged} CASCADE")
    assert loading.load(run, batch, loader.address) == first, "also once the staging is dropped"
    assert loader.asked("SELECT times_seen FROM quality.quarantined_row") == [(1,)]


def test_a_load_that_is_cut_off_leaves_nothing(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    run = loader.open("tracking_event")
    batch = loader.stage(run, "tracking_event", [event(), event("LC0002")], {1: "rule"})

    def cut(*_: Any) -> None:
        raise ConnectionError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(loading, "_record", cut)
        with pytest.raises(ConnectionError):
            loading.load(run, batch, loader.address)
    for table in ("core.tracking_event", "core.shipment", "quality.quarantined_row", "quality.reconciliation"):
        assert loader.asked(f"SELECT FROM {table}") == [], table
    assert counts(loading.load(run, batch, loader.address)) == (1, 0, 1)


def test_bad_rows_that_come_again_are_counted_not_copied(loader: Loader) -> None:
    bad = event(city="nowhere", description="tab\t nul\0 \ud800 🚚")
    assert loader.events(bad, bad, event("LC0002"), rejected={0: "rule", 1: "rule"}) == (1, 0, 2)
    assert loader.events(bad | {"raw_answer_id": 9}, rejected={0: "rule"}) == (0, 0, 1)
    ((times, first, last, line),) = loader.asked(
        "SELECT times_seen, first_run_id, last_run_id, source_line FROM quality.quarantined_row"
    )
    assert (times, first, last, line) == (3, "run-1", "run-2", 2)


def test_a_stopped_batch_is_quarantined_whole(loader: Loader) -> None:
    rows = [event(f"LC{number:04}") for number in range(5)]
    rejected = dict.fromkeys(range(5), "batch:mostly_bad")
    assert loader.events(*rows, rejected=rejected) == (0, 0, 5)
    assert loader.asked("SELECT FROM core.shipment_number") == []
    assert loader.asked("SELECT DISTINCT severity FROM quality.quarantined_row") == [("batch",)]


def test_staged_rows_that_are_gone_are_not_taken_for_an_empty_batch(loader: Loader) -> None:
    run = loader.open("tracking_event")
    batch = loader.stage(run, "tracking_event", [event()])
    loader.execute(f"TRUNCATE {batch.staged}")  # what a crash of the server does to an UNLOGGED table
    with pytest.raises(StagingLost):
        loading.load(run, batch, loader.address)
    loader.execute(f"DROP TABLE {batch.staged} CASCADE")
    with pytest.raises(StagingLost):
        loading.load(run, batch, loader.address)


def test_rows_that_an_earlier_version_staged_are_staged_again(loader: Loader) -> None:
    run = loader.open("interaction")
    batch = loader.stage(run, "interaction", [{"product_id": "p1", "occurred_at": JANUARY, "interaction_hash": 1}])
    loader.execute(f"ALTER TABLE {batch.staged} RENAME COLUMN country TO of_another_version")
    with pytest.raises(StagingLost, match="fewer columns"):
        loading.load(run, batch, loader.address)
    loader.execute(f"ALTER TABLE {batch.staged} RENAME COLUMN of_another_version TO country")
    loader.execute(f"ALTER VIEW {batch.judged} RENAME COLUMN order_is_known TO of_another_version")
    with pytest.raises(StagingLost, match="fewer columns"):
        loading.load(run, batch, loader.address)


def test_staged_judged_and_loaded(loader: Loader) -> None:
    """With the real gate: each row ends where its contract says."""
    run = loader.open("tracking_event")
    rows = [event(), event(), event("LC 2"), event("LC0003", milestone="lost in space"), event("LC0004", country="ZZ")]
    batch = loader.stage(run, "tracking_event", rows)
    verdict = gate.judge(run, batch, loader.address)
    assert counts(loading.load(run, batch, loader.address)) == (1, 1, sum(verdict.rejected.values()))
    assert loader.asked("SELECT rule, times_seen FROM quality.quarantined_row ORDER BY 1") == [
        ("country_unknown", 1),
        ("milestone_unknown", 1),
        ("tracking_number_malformed", 1),
    ]
