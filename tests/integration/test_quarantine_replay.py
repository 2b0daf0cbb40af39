"""Quarantined rows through the gate again: as they are, mended, waived; what is marked, what is never done twice."""

from __future__ import annotations

import resource
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from quarantine_rows import Quarantine

from lanecast import pipeline
from lanecast.contracts import reader
from lanecast.quarantine import listing
from lanecast.quarantine import replay as replays
from lanecast.quarantine.errors import NothingToReplay, QuarantineError
from lanecast.quarantine.listing import Filter
from lanecast.quarantine.selection import Selection, open_replay
from lanecast.warehouse import maintenance

LINE = "o1,c1,2026-01-02T10:00:00Z,paid,EUR,{product},{quantity},{price}"


@pytest.fixture
def quarantine(warehouse: str, tmp_path: Path) -> Quarantine:
    return Quarantine(warehouse, tmp_path)


def event(number: str = "LC0001", at: str = "2026-01-02T10:00:00+02:00", **told: str) -> str:
    row = {"code": "X1", "description": "On its way", "country": "DE", "region": "", "city": "Bremen", "milestone": ""}
    return ",".join(["dhl", number, at, *(row | told).values()])


def waive_rule(monkeypatch: pytest.MonkeyPatch, dataset: str, rule: str) -> None:
    """As if the contract had lost a rule."""
    read = reader._read

    def without(path: Path, changed: int) -> reader.Contract:
        found = read(path, changed)
        if found.name == dataset:
            found.table.quality[:] = [one for one in found.table.quality if one.name != rule]
        return found

    read.cache_clear()
    monkeypatch.setattr(reader, "_read", without)


@pytest.fixture(autouse=True)
def _contracts_as_they_are() -> Any:
    yield
    getattr(reader._read, "cache_clear", lambda: None)()


def test_a_row_passes_after_its_rule_was_mended(quarantine: Quarantine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert quarantine.import_("events", event(), event("LC0002", country="ZZ")).quarantined == 1
    assert quarantine.replay(rule="country_unknown") == {"tracking_event": (1, 0, 0, 1)}
    assert quarantine.rows() == [(1, "country_unknown", "open", 1, 1, None)]
    waive_rule(monkeypatch, "tracking_event", "country_unknown")
    assert quarantine.replay(dataset="tracking_event") == {"tracking_event": (1, 1, 0, 0)}
    assert quarantine.rows() == [(1, "country_unknown", "replayed", 1, 2, None)]
    assert quarantine.asked("SELECT count(*) FROM core.tracking_event") == [(2,)]
    with pytest.raises(NothingToReplay):
        quarantine.replay(dataset="tracking_event")
    (past, now) = listing.one(1, address=quarantine.address)["history"]
    assert (past["outcome"], past["rule"], now["outcome"]) == ("failed", "country_unknown", "passed")


def test_a_row_is_staged_as_it_was(quarantine: Quarantine) -> None:
    """Types go through jsonb and back: the same row breaks the same rule, and is the same row."""
    quarantine.import_(
        "shipments",
        'o1,LC0001,dhl,ZZ,2026-01-02T10:00:00.123456Z,,,"1""{5} \\ 🚚"',
        "o2,LC0002,dhl,ZZ,,2026-01-02,,",
    )
    quarantine.import_("orders", LINE.format(product="p", quantity="0", price="0.10000000000000000000001"))
    quarantine.import_("interactions", "c,p,wish,2026-01-02T10:00:00Z,1.50,2.250,o")
    before = quarantine.asked("SELECT row_hash FROM quality.quarantined_row ORDER BY quarantined_row_id")
    data = quarantine.asked("SELECT row_data::text FROM quality.quarantined_row ORDER BY quarantined_row_id")
    told = quarantine.replay(ids=(1, 2, 3, 4))
    assert {name: counts[3] for name, counts in told.items()} == {"shipment": 2, "order_line": 1, "interaction": 1}
    assert [row[2:5] for row in quarantine.rows()] == [("open", 1, 1)] * 4
    assert quarantine.asked("SELECT row_hash FROM quality.quarantined_row ORDER BY quarantined_row_id") == before
    assert quarantine.asked("SELECT row_data::text FROM quality.quarantined_row ORDER BY quarantined_row_id") == data


def test_a_mended_row_is_loaded_and_its_hash_follows(quarantine: Quarantine) -> None:
    quarantine.import_(
        "events", event(country="ZZ"), event("LC0002", at="31.02.2026"), event("LC0003", at="1970-01-01")
    )
    by_line = "SELECT quarantined_row_id FROM quality.quarantined_row ORDER BY source_line"
    ((first,), (second,), (third,)) = quarantine.asked(by_line)
    patch = quarantine.patch(
        {"quarantined_row_id": first, "country": "Germany", "code": "Y2"},
        {"quarantined_row_id": second, "occurred_at": "2026-02-28T09:30:00+01:00"},
        {"quarantined_row_id": third, "occurred_at": "2026-01-03T08:00:59Z"},
    )
    assert quarantine.replay(patch=patch) == {"tracking_event": (3, 3, 0, 0)}
    found = quarantine.asked(
        "SELECT tracking_number, reported_at::text, occurred_at::text, utc_offset_minutes, country "
        "FROM core.tracking_event JOIN core.shipment_number USING (shipment_id) ORDER BY 1"
    )
    assert found == [
        ("LC0001", "2026-01-02 10:00:00", "2026-01-02 08:00:00+00", 120, "DE"),
        ("LC0002", "2026-02-28 09:30:00", "2026-02-28 08:30:00+00", 60, "DE"),
        ("LC0003", "2026-01-03 08:00:00", "2026-01-03 08:00:59+00", 0, "DE"),
    ]
    mended = (
        event(code="Y2"),
        event("LC0002", at="2026-02-28T09:30:00+01:00"),
        event("LC0003", at="2026-01-03T08:00:59Z"),
    )
    again = quarantine.import_("events", *mended)
    assert (again.loaded, again.duplicate) == (0, 3), "as if the file had been right from the start"


def test_a_mended_row_that_is_put_aside_again_takes_the_place_of_the_first(quarantine: Quarantine) -> None:
    quarantine.import_("events", event(country="ZZ"))
    quarantine.replay(patch=quarantine.patch({"quarantined_row_id": 1, "country": "YY"}))
    assert [row[1:] for row in quarantine.rows()] == [
        ("country_unknown", "superseded", 1, 1, quarantine.rows()[1][0]),
        ("country_unknown", "open", 0, 0, None),
    ]
    new = quarantine.rows()[1][0]
    quarantine.replay(patch=quarantine.patch({"quarantined_row_id": new, "country": "DE"}))
    assert quarantine.rows()[1][2] == "replayed"


def test_a_row_under_another_rule_than_before_moves_there(
    quarantine: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine.import_("shipments", f"{'x' * 201},LC0001,dhl,ZZ,2026-01-02,,,")
    assert quarantine.rows()[0][1] == "order_id_too_long"
    waive_rule(monkeypatch, "shipment", "order_id_too_long")
    quarantine.replay(ids=(1,))
    assert quarantine.rows() == [(1, "destination_country_unknown", "open", 1, 1, None)]
    quarantine.import_("shipments", f"{'x' * 201},LC0001,dhl,ZZ,2026-01-02,,,")
    assert quarantine.rows() == [(1, "destination_country_unknown", "open", 2, 1, None)]


def test_what_arrives_again_after_a_replay_is_open_again_and_what_was_dismissed_is_not(quarantine: Quarantine) -> None:
    bad = event(country="ZZ"), event("LC0002", country="ZZ")
    quarantine.import_("events", *bad)
    quarantine.replay(patch=quarantine.patch({"quarantined_row_id": 1, "country": "DE"}))
    assert listing.dismiss([2], Filter(), "a test parcel", quarantine.address) == 1
    quarantine.import_("events", *bad)
    assert [row[2:4] for row in quarantine.rows()] == [("open", 2), ("dismissed", 2)]
    assert quarantine.replay(patch=quarantine.patch({"quarantined_row_id": 1, "country": "DE"})) == {
        "tracking_event": (1, 0, 1, 0)
    }
    with pytest.raises(QuarantineError, match="row 2 is dismissed"):
        quarantine.replay(ids=(2,))
    with pytest.raises(QuarantineError, match="row 2 is dismissed"):
        listing.dismiss([2], Filter(), "again", quarantine.address)


def test_a_single_line_keeps_its_number_in_the_order(quarantine: Quarantine) -> None:
    lines = [LINE.format(product=f"p{number}", quantity=int(number != 2), price="1") for number in range(1, 4)]
    quarantine.import_("orders", *lines)
    quarantine.replay(patch=quarantine.patch({"quarantined_row_id": 1, "quantity": 5}))
    stored = "SELECT line_number, product_id, quantity FROM core.order_line WHERE order_id = 'o1' ORDER BY 1"
    assert quarantine.asked(stored) == [(1, "p1", 1), (2, "p2", 5), (3, "p3", 1)]
    mended = [*lines[:1], LINE.format(product="p2", quantity=5, price="1"), *lines[2:]]
    assert quarantine.import_("orders", *mended).duplicate == 3


def test_equal_bad_lines_of_an_order_are_two(quarantine: Quarantine) -> None:
    quarantine.import_("orders", *[LINE.format(product="p", quantity=0, price="1")] * 2)
    patch = quarantine.patch(*({"quarantined_row_id": row[0], "quantity": 1} for row in quarantine.rows()))
    assert quarantine.replay(patch=patch) == {"order_line": (2, 2, 0, 0)}


def test_a_line_without_its_order_follows_the_known_ones_and_keeps_its_number(quarantine: Quarantine) -> None:
    good, bad = LINE.format(product="p1", quantity=1, price="1"), ",c1,2026-01-02T10:00:00Z,paid,EUR,p9,1,1"
    quarantine.import_("orders", good, bad)
    mend = {"quarantined_row_id": 1, "order_id": "o1"}
    assert quarantine.replay(patch=quarantine.patch(mend)) == {"order_line": (1, 1, 0, 0)}
    quarantine.import_("orders", good, bad)
    assert quarantine.replay(patch=quarantine.patch(mend)) == {"order_line": (1, 0, 1, 0)}
    assert quarantine.asked("SELECT line_number, product_id FROM core.order_line ORDER BY 1") == [(1, "p1"), (2, "p9")]


def test_an_old_row_does_not_take_the_place_of_what_was_told_since(quarantine: Quarantine) -> None:
    old = "o1,LC0001,dhl,ZZ,2026-01-02,2026-01-03,,1"
    quarantine.import_("shipments", old)
    quarantine.import_("shipments", "o1,LC0001,dhl,FR,2026-01-05,,2026-01-09,2")
    quarantine.import_("orders", LINE.format(product="p1", quantity=0, price="1"), name="o.csv")
    mended = LINE.format(product="p1", quantity=7, price="3").replace("paid", "shipped")
    quarantine.import_("orders", mended, name="o.csv")
    patch = quarantine.patch(
        {"quarantined_row_id": quarantine.rows()[0][0], "destination_country": "DE"},
        {"quarantined_row_id": quarantine.rows()[1][0], "quantity": 1},
    )
    told = quarantine.replay(patch=patch)
    assert told == {"shipment": (1, 1, 0, 0), "order_line": (1, 0, 1, 0)}, "shipped_at was not known"
    assert quarantine.asked(
        "SELECT destination_country, ordered_at::date::text, shipped_at::date::text, attributes FROM core.shipment"
    ) == [("FR", "2026-01-05", "2026-01-03", {"weight": "2"})]
    assert quarantine.asked("SELECT quantity, unit_price FROM core.order_line") == [(7, 3)]
    assert quarantine.asked("SELECT status FROM core.customer_order") == [("shipped",)]


def test_unreadable_values_that_are_mended_pass(quarantine: Quarantine) -> None:
    quarantine.import_("orders", LINE.format(product="p", quantity="two", price="x'; quantity: 'y"))
    half = quarantine.patch({"quarantined_row_id": 1, "quantity": 2})
    assert quarantine.replay(patch=half)["order_line"] == (1, 0, 0, 1), "the price can't be read still"
    second = quarantine.rows()[1][0]
    whole = quarantine.patch({"quarantined_row_id": second, "quantity": 2, "unit_price": None})
    assert quarantine.replay(patch=whole)["order_line"] == (1, 1, 0, 0)
    quarantine.import_("events", "too,few")
    third = quarantine.rows()[-1][0]
    all_of_it = {"carrier": "dhl", "tracking_number": "LC0009", "occurred_at": "2026-01-02T10:00:00Z", "code": "X"}
    told = quarantine.replay(patch=quarantine.patch({"quarantined_row_id": third, **all_of_it}))
    assert told["tracking_event"] == (1, 1, 0, 0)
    assert quarantine.asked("SELECT source, milestone FROM core.tracking_event") == [("dhl", "in_transit")]


def test_an_interaction_that_is_mended_has_the_hash_of_a_right_one(quarantine: Quarantine) -> None:
    quarantine.import_("interactions", "c1,p1,wish,2026-01-02T10:00:00.5Z,1.0,9.90,")
    told = quarantine.replay(patch=quarantine.patch({"quarantined_row_id": 1, "kind": "View"}))
    assert told["interaction"] == (1, 1, 0, 0)
    assert quarantine.import_("interactions", "c1,p1,view,2026-01-02T10:00:00.5Z,1.0,9.90,").duplicate == 1


def test_a_stopped_batch_is_released_by_waiving_its_rule(quarantine: Quarantine) -> None:
    """50,000 rows, of which more than half are bad: the good ones load, the bad ones stay under their own rules."""
    rows = 50_000
    lines = [event(f"LC{number:07}", country="ZZ" if number % 5 < 3 else "DE") for number in range(rows)]
    with pytest.raises(pipeline.BatchStopped):
        quarantine.import_("events", *lines)
    assert quarantine.asked("SELECT status, count(*) FROM quality.quarantined_row GROUP BY 1") == [("open", rows)]
    with pytest.raises(pipeline.BatchStopped):
        quarantine.replay(rule="mostly_bad")
    assert quarantine.asked("SELECT rule, status, count(*) FROM quality.quarantined_row GROUP BY 1, 2") == [
        ("mostly_bad", "open", rows)
    ]
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    told = quarantine.replay(rule="mostly_bad", waive=("mostly_bad",))
    print(f"{rows} rows released in {time.monotonic() - began:.1f} s")
    assert told == {"tracking_event": (rows, 20_000, 0, 30_000)}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 * 1024, "KiB"
    assert quarantine.asked("SELECT rule, status, count(*) FROM quality.quarantined_row GROUP BY 1, 2 ORDER BY 1") == [
        ("country_unknown", "open", 30_000),
        ("mostly_bad", "replayed", 20_000),
    ]
    assert quarantine.asked("SELECT count(*) FROM core.tracking_event") == [(20_000,)]
    assert quarantine.asked("SELECT state FROM ops.run ORDER BY run_number DESC LIMIT 1") == [("loaded",)]


def test_a_dry_look_changes_nothing(quarantine: Quarantine) -> None:
    quarantine.import_("events", event(country="ZZ"))
    before = quarantine.rows()
    outlook = replays.prepare("looked-at", Selection(ids=(1,)), quarantine.address)
    assert outlook.as_dict()["rejected"] == {"tracking_event": {"country_unknown": 1}}
    replays.forget(outlook.run, quarantine.address)
    assert quarantine.rows() == before
    for table in ("ops.run", "quality.validation_result", "quality.replayed_row"):
        assert quarantine.asked(f"SELECT FROM {table} WHERE run_id = 'looked-at'") == [], table
    assert quarantine.asked("SELECT FROM pg_tables WHERE schemaname = 'staging'") == []


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, "choose rows"),
        ({"ids": (99,)}, "no quarantined row has the number 99"),
        ({"dataset": "parcels"}, "no dataset is called 'parcels'"),
        ({"ids": (1,), "waive": ("country_unknown",)}, "country_unknown can't be waived"),
    ],
)
def test_what_can_not_be_chosen_is_refused(quarantine: Quarantine, chosen: dict[str, Any], told: str) -> None:
    quarantine.import_("events", event(country="ZZ"))
    with pytest.raises(QuarantineError, match=told):
        quarantine.replay(**chosen)
    assert quarantine.asked("SELECT FROM ops.run WHERE kind = 'quarantine'") == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("quarantined_row_id,country\n1,DE\n1,FR\n", "row 1 is there twice, first in line 2"),
        ("quarantined_row_id,country\n1,DE\n77,FR\n", "no quarantined row has the number 77"),
        ("quarantined_row_id,colour\n1,red\n", "no column 'colour' to set"),
        ("quarantined_row_id,event_hash\n1,5\n", "no column 'event_hash' to set"),
        ("quarantined_row_id,occurred_at\n1,yesterday\n", "occurred_at: 'yesterday'"),
        ("quarantined_row_id,country\n1\n", "1 fields where the header has 2"),
        ("country\nDE\n", "no column quarantined_row_id"),
        ('{"quarantined_row_id": 1, "city": "a\\u0000b"}\n', "holds a NUL"),
        ('{"quarantined_row_id": 1, "country": "DE"\n', "not a JSON object"),
        ("quarantined_row_id,utc_offset_minutes\n1,9999\n", "not whole minutes"),
        ("", "is empty"),
    ],
)
def test_a_patch_that_can_not_be_used_is_refused_whole(
    quarantine: Quarantine, tmp_path: Path, content: str, told: str
) -> None:
    quarantine.import_("events", event(country="ZZ"), event("LC0002", country="ZZ"))
    path = tmp_path / "patch.txt"
    path.write_text(content)
    with pytest.raises(QuarantineError, match=told):
        quarantine.replay(patch=str(path))
    assert quarantine.asked("SELECT FROM quality.replayed_row") == []


def test_a_patch_of_the_world_as_it_is(quarantine: Quarantine, tmp_path: Path) -> None:
    """BOM, CRLF, unicode, braces, quotes, an empty cell, an explicit null."""
    quarantine.import_("events", event(country="ZZ"), event("LC0002", country="ZZ"))
    path = tmp_path / "patch.csv"
    path.write_bytes(
        b"\xef\xbb\xbfquarantined_row_id,country,city,description\r\n"
        + '1,DE,"Sao {x} ""q"", 🚚",\r\n2,Brazil,\\N,{\\N}\r\n'.encode()
    )
    assert quarantine.replay(patch=str(path)) == {"tracking_event": (2, 2, 0, 0)}
    assert quarantine.asked("SELECT country, city, description FROM core.tracking_event ORDER BY 1 DESC") == [
        ("DE", 'Sao {x} "q", 🚚', "On its way"),
        ("BR", None, "{\\N}"),
    ]


def test_two_replays_at_once_do_not_take_the_same_rows(quarantine: Quarantine) -> None:
    quarantine.import_("events", *(event(f"LC000{number}", country="ZZ") for number in range(1, 9)))
    opened: list[str] = []
    refused: list[str] = []
    together = threading.Barrier(2)

    def one(name: str) -> None:
        together.wait(20)
        try:
            open_replay(name, Selection(rule="country_unknown"), address=quarantine.address)
            opened.append(name)
        except NothingToReplay as nothing:
            refused.append(str(nothing))

    threads = [threading.Thread(target=one, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(opened), len(refused)) == (1, 1)
    assert "a replay has the 8 open rows" in refused[0]
    with pytest.raises(QuarantineError, match="is being replayed by run"):
        open_replay("c", Selection(ids=(3,)), address=quarantine.address)


def test_a_replay_that_was_killed_is_finished_where_it_was_agreed_to_and_else_forgotten(
    quarantine: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine.import_("events", event(country="ZZ"), event("LC0002", country="ZZ"))
    waive_rule(monkeypatch, "tracking_event", "country_unknown")
    for row_id, agreed in ((1, True), (2, False)):
        run = open_replay(f"cut-{row_id}", Selection(ids=(row_id,)), {"terminal": True}, address=quarantine.address)
        pipeline.stage(run, quarantine.address)
        pipeline.judge(run, quarantine.address)
        if agreed:
            replays.agree(run, quarantine.address)
    with replays.in_hand("cut-1", quarantine.address):
        replays.finish_what_was_cut_off(quarantine.address)
        assert [row[2] for row in quarantine.rows()] == ["open", "open"], "one is at work on it"
    assert replays.finish_what_was_cut_off(quarantine.address) == ["cut-1"]
    assert [row[2] for row in quarantine.rows()] == ["replayed", "open"]
    assert quarantine.asked("SELECT run_id FROM ops.run WHERE kind = 'quarantine'") == [("cut-1",)]


def test_a_row_is_found_by_each_run_that_it_came_in(quarantine: Quarantine) -> None:
    for _ in range(3):
        quarantine.import_("events", event(country="ZZ"))
    quarantine.import_("events", event("LC0002"))
    found = {
        number: [
            row["quarantined_row_id"] for row in listing.rows(Filter(run_id=f"import-{number}"), 9, quarantine.address)
        ]
        for number in range(1, 5)
    }
    assert found == {1: [1], 2: [1], 3: [1], 4: []}
    assert [one["rows"] for one in listing.overview(Filter(run_id="import-2"), quarantine.address)] == [1]
    assert quarantine.replay(run_id="import-2") == {"tracking_event": (1, 0, 0, 1)}


def test_all_rows_of_a_run_are_dismissed_at_once_and_no_others(quarantine: Quarantine) -> None:
    quarantine.import_("events", event(country="ZZ"), event("LC0002", country="ZZ"))
    quarantine.import_("events", event("LC0003", country="ZZ"))
    with pytest.raises(QuarantineError, match="choose rows"):
        listing.dismiss([], Filter(), "all of them?", quarantine.address)
    assert listing.dismiss([], Filter(run_id="import-1"), "mended at its source", quarantine.address) == 2
    assert [row[2] for row in quarantine.rows()] == ["dismissed", "dismissed", "open"]
    assert listing.dismiss([], Filter(rule="country_unknown"), "the rest", quarantine.address) == 1


def test_bad_rows_by_the_thousand_do_not_hold_back_what_was_mended(quarantine: Quarantine) -> None:
    """Of rows that were put aside one by one, the share that is still bad tells nothing of a file or parser."""
    numbers = [f"LC{number:05}" for number in range(1600)]
    good = [event(f"GOOD{number:05}") for number in range(1700)]
    quarantine.import_("events", *good, *(event(number, country="ZZ") for number in numbers))
    patch = quarantine.patch(*({"quarantined_row_id": row[0], "country": "DE"} for row in quarantine.rows()[:700]))
    assert quarantine.replay(dataset="tracking_event", patch=patch) == {"tracking_event": (1600, 700, 0, 900)}


def test_a_stopped_batch_that_is_not_mended_is_stopped_again(quarantine: Quarantine) -> None:
    with pytest.raises(pipeline.BatchStopped):
        quarantine.import_("events", *(event(f"LC{number:05}", country="ZZ") for number in range(1200)))
    with pytest.raises(pipeline.BatchStopped):
        quarantine.replay(rule="mostly_bad")
    assert {row[1:3] for row in quarantine.rows()} == {("mostly_bad", "open")}


def test_what_a_later_run_told_stands_whatever_the_clock_says(quarantine: Quarantine) -> None:
    """A world's clock may stand still, and an import may be as of the past: runs are told apart by their number."""
    moment = "2026-06-01T12:00:00+00:00"
    quarantine.execute(
        "INSERT INTO ops.clock (world_start, wall_start, speed) VALUES (%s, clock_timestamp(), 0)", moment
    )
    line = "o1,LC0001,dhl,{country},2026-05-01,2026-05-02,2026-05-{day},{weight}"
    quarantine.import_("shipments", line.format(country="ZZ", day="09", weight=1))
    quarantine.import_("shipments", line.format(country="BR", day="12", weight=2))
    quarantine.replay(patch=quarantine.patch({"quarantined_row_id": 1, "destination_country": "BR"}))
    assert quarantine.asked("SELECT delivered_at::date::text, attributes ->> 'weight' FROM core.shipment") == [
        ("2026-05-12", "2")
    ]


def test_a_replay_that_failed_leaves_alone_what_another_has_done_since(quarantine: Quarantine) -> None:
    quarantine.import_("events", event(country="ZZ"))
    first = open_replay("failed", Selection(patch=quarantine.patch({"quarantined_row_id": 1, "country": "US"})))
    pipeline.stage(first, quarantine.address)
    quarantine.execute("UPDATE ops.run SET state = 'failed', finished_at = clock_timestamp() WHERE run_id = 'failed'")
    quarantine.replay(patch=quarantine.patch({"quarantined_row_id": 1, "country": "DE"}))
    (result,) = quarantine.carry_out(first)
    assert (result.received, result.loaded) == (0, 0)
    assert quarantine.asked("SELECT country FROM core.tracking_event") == [("DE",)]
    (row,) = quarantine.asked("SELECT status, replays, replay_run_id FROM quality.quarantined_row")
    assert row == ("replayed", 1, "quarantine-4")


def test_what_was_replayed_goes_with_its_run_and_with_its_row(quarantine: Quarantine) -> None:
    quarantine.import_("events", event(country="ZZ"), event("LC0002", country="ZZ"))
    quarantine.import_("events", event("LC0003"))
    quarantine.replay(rule="country_unknown")
    quarantine.replay(patch=quarantine.patch({"quarantined_row_id": 1, "country": "DE"}))
    kept = "SELECT run_id, quarantined_row_id FROM quality.replayed_row ORDER BY 1, 2"
    (before, after) = sorted({row[0] for row in quarantine.asked(kept)})
    assert quarantine.asked(kept) == [(before, 1), (before, 2), (after, 1)]
    assert maintenance.maintain(quarantine.address).get("quality.quarantined_row") is None
    long_ago = (
        "UPDATE ops.run SET started_at = started_at - interval '10000 days', "
        "finished_at = finished_at - interval '10000 days' WHERE run_id = %s"
    )
    quarantine.execute("UPDATE quality.quarantined_row SET last_run_id = 'import-2' WHERE quarantined_row_id = 1")
    quarantine.execute(long_ago, "import-1")
    maintenance.maintain(quarantine.address)
    assert quarantine.asked(kept) == [(before, 1), (after, 1)]
    quarantine.execute(long_ago, before)
    maintenance.maintain(quarantine.address)
    assert quarantine.asked(kept) == [(after, 1)]
    assert [row[:3] for row in quarantine.rows()] == [(1, "country_unknown", "replayed")]
