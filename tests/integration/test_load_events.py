"""The load of tracking events: what is one event, which journey of a number it belongs to, what is withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from load_rows import AUGUST, JANUARY, NOW, Loader, Row, days, event, shipment


@pytest.fixture
def loader(warehouse: str) -> Loader:
    return Loader(warehouse)


def finished(number: str = "LC0001", start: datetime = JANUARY) -> list[Row]:
    return [event(number, start, "picked_up"), event(number, start + days(5), "delivered")]


# ------------------------------------------------------------------------------------------------ one event


def test_the_same_file_again_is_duplicates(loader: Loader) -> None:
    rows = finished() + finished("LC0002")
    assert loader.events(*rows) == (4, 0, 0)
    before = loader.contents()
    assert loader.events(*reversed(rows)) == (0, 4, 0)
    assert loader.contents() == before


def test_a_scan_whose_place_or_words_were_rewritten_is_the_same_event(loader: Loader) -> None:
    loader.events(event(city="Bremen", description="In transit"))
    changed = event(city="BREMEN, DE", description="Is in transit")
    assert loader.events(changed) == (1, 0, 0), "a changed row counts as loaded"
    assert loader.events(changed) == (0, 1, 0)
    assert loader.asked("SELECT city, description FROM core.tracking_event") == [("BREMEN, DE", "Is in transit")]


def test_a_place_that_is_no_longer_told_is_kept(loader: Loader) -> None:
    loader.events(event())
    assert loader.events(event(city=None, country=None)) == (0, 1, 0)
    assert loader.asked("SELECT country, city FROM core.tracking_event") == [("DE", "Bremen")]


def test_what_the_carrier_answered_stands_against_a_file(loader: Loader) -> None:
    file, answer = event(tz_known="offset", city="Leipzig"), event(city="Bremen", raw_answer_id=7)
    for first, second in ((file, answer), (answer, file)):
        loader.execute("DELETE FROM core.tracking_event")
        loader.events(first)
        loader.events(second)
        assert loader.asked("SELECT city, tz_known, raw_answer_id FROM core.tracking_event") == [("Bremen", "place", 7)]
        assert loader.events(file) == (0, 1, 0), "the file's row is a duplicate, however often it comes"
        assert loader.events(answer) == (0, 1, 0)


def test_without_a_code_the_words_tell_events_apart(loader: Loader) -> None:
    rows = [event(code=None, description=text) for text in ("Arrived", "Left", "Arrived")]
    assert loader.events(*rows) == (2, 1, 0)


def test_of_equal_scans_in_a_batch_the_last_told_counts(loader: Loader) -> None:
    assert loader.events(event(city="Bremen"), event(city="Leipzig"), event(city="Lyon")) == (1, 2, 0)
    assert loader.asked("SELECT city FROM core.tracking_event") == [("Lyon",)]


def test_a_better_guess_of_the_zone_corrects_the_event(loader: Loader) -> None:
    loader.events(event(tz_known="assumed"))
    better = event(occurred_at=JANUARY - timedelta(hours=6), utc_offset_minutes=480, tz_known="place")
    assert loader.events(better) == (1, 0, 0)
    assert loader.asked("SELECT utc_offset_minutes, tz_known FROM core.tracking_event") == [(480, "place")]


def test_an_unknown_number_is_registered(loader: Loader) -> None:
    loader.events(*finished())
    assert loader.asked(
        "SELECT carrier, tracking_number, epoch, opened_at, first_event_at, last_event_at, finished_at "
        "FROM core.shipment_number"
    ) == [("dhl", "LC0001", 1, JANUARY, JANUARY, JANUARY + days(5), JANUARY + days(5))]
    assert loader.asked("SELECT carrier, tracking_number, epoch FROM core.shipment") == [("dhl", "LC0001", 1)]


def test_a_number_belongs_to_its_carrier(loader: Loader) -> None:
    loader.events(event(), event(carrier="ups", source="ups"))
    assert len(loader.asked("SELECT FROM core.shipment")) == 2


def test_changed_shipments_are_noted_once_per_load(loader: Loader) -> None:
    loader.events(*finished(), *finished("LC0002"))
    loader.execute("DELETE FROM ops.shipment_change")
    loader.events(*finished(), event("LC0002", JANUARY + days(1), "hub_arrived"))
    assert loader.asked(
        "SELECT known.tracking_number FROM ops.shipment_change JOIN core.shipment_number AS known USING (shipment_id)"
    ) == [("LC0002",)]


def test_a_row_that_names_no_parcel_stops_the_load(loader: Loader) -> None:
    """The gate rejects such rows; if one comes through it is not to vanish."""
    for broken in ({"tracking_number": None}, {"carrier": None}, {"occurred_at": None}):
        with pytest.raises(psycopg2.errors.NotNullViolation):
            loader.events(event(), event("LC0002", **broken))
    assert loader.asked("SELECT FROM core.tracking_event") == []


# ------------------------------------------------------------------------------------------------ recycled numbers

EPOCHS = {
    "long after the end": ([*finished(), event(at=AUGUST)], [["picked_up", "delivered"], ["in_transit"]]),
    "soon after the end": (
        [*finished(), event(at=JANUARY + days(125), milestone="returned")],
        [["picked_up", "delivered", "returned"]],
    ),
    "just too late": (
        [*finished(), event(at=JANUARY + days(5 + 120) + timedelta(minutes=1))],
        [["picked_up", "delivered"], ["in_transit"]],
    ),
    "not finished": ([event(at=JANUARY), event(at=AUGUST)], [["in_transit", "in_transit"]]),
    "used three times": (
        finished() + finished(start=AUGUST) + [event(at=AUGUST + days(200))],
        [["picked_up", "delivered"], ["picked_up", "delivered"], ["in_transit"]],
    ),
    "late ones": (
        finished() + finished(start=AUGUST) + [event(at=JANUARY + days(2)), event(at=AUGUST + days(2))],
        [["picked_up", "in_transit", "delivered"], ["picked_up", "in_transit", "delivered"]],
    ),
    "before the first": ([*finished(start=AUGUST), event(at=JANUARY)], [["in_transit", "picked_up", "delivered"]]),
    "the second use's beginning told last": (
        [*finished(), event(at=AUGUST + days(3)), event(at=AUGUST, milestone="picked_up")],
        [["picked_up", "delivered"], ["picked_up", "in_transit"]],
    ),
}


@pytest.mark.parametrize("each", [99, 1], ids=["one batch", "a batch each"])
@pytest.mark.parametrize("case", EPOCHS)
def test_events_find_the_journey_they_belong_to(loader: Loader, case: str, each: int) -> None:
    rows, expected = EPOCHS[case]
    for start in range(0, len(rows), each):
        assert loader.events(*rows[start : start + each])[1:] == (0, 0)
    assert [milestones for _, milestones, _ in loader.journeys()] == expected
    before = loader.contents()
    assert loader.events(*rows) == (0, len(rows), 0)
    assert loader.contents() == before


def test_an_end_told_by_a_file_counts_as_well(loader: Loader) -> None:
    loader.shipments(shipment("A", ordered_at=JANUARY, delivered_at=JANUARY + days(5)))
    loader.events(event(at=AUGUST))
    assert loader.journeys() == [("A", None, True), (None, ["in_transit"], False)]


def test_spans_of_each_use_are_kept_apart(loader: Loader) -> None:
    loader.events(*finished(), event(at=AUGUST), event(at=JANUARY + days(1), milestone="hub_arrived"))
    assert loader.asked(
        "SELECT epoch, opened_at, first_event_at, last_event_at, finished_at FROM core.shipment_number ORDER BY epoch"
    ) == [
        (1, JANUARY, JANUARY, JANUARY + days(5), JANUARY + days(5)),
        (2, AUGUST, AUGUST, AUGUST, None),
    ]


# ------------------------------------------------------------------------------------------------ withdrawals


def answer(answer_id: int, *rows: Row) -> list[Row]:
    return [row | {"raw_answer_id": answer_id} for row in rows]


def pull(loader: Loader, *rows: Row, at: datetime = NOW, rejected: dict[int, str] | None = None) -> tuple[int, ...]:
    return loader.events(*rows, kind="pull", as_of=at, rejected=rejected)


def withdrawn(loader: Loader) -> list[Any]:
    return [
        row[0]
        for row in loader.asked("SELECT milestone FROM core.tracking_event WHERE withdrawn_at IS NOT NULL ORDER BY 1")
    ]


FIRST = [event(at=JANUARY, milestone="picked_up"), event(at=JANUARY + days(1), milestone="hub_arrived")]
LAST = event(at=JANUARY + days(2), milestone="hub_departed")


def test_what_a_complete_answer_no_longer_tells_is_withdrawn_and_comes_back(loader: Loader) -> None:
    pull(loader, *answer(1, *FIRST, LAST))
    loader.execute("DELETE FROM ops.shipment_change")
    assert pull(loader, *answer(2, FIRST[0], LAST), at=NOW + days(1)) == (0, 2, 0)
    assert loader.asked("SELECT milestone, withdrawn_at FROM core.tracking_event WHERE withdrawn_at IS NOT NULL") == [
        ("hub_arrived", NOW + days(1))
    ]
    assert len(loader.asked("SELECT FROM ops.shipment_change")) == 1, "the marts are to hear of it"
    assert pull(loader, *answer(3, *FIRST, LAST)) == (1, 2, 0), "what reappears is news"
    assert withdrawn(loader) == []


def test_the_oldest_may_be_forgotten(loader: Loader) -> None:
    pull(loader, *answer(1, *FIRST, LAST))
    pull(loader, *answer(2, LAST))
    assert withdrawn(loader) == []


def test_an_incomplete_answer_withdraws_nothing(loader: Loader) -> None:
    pull(loader, *answer(1, *FIRST, LAST))
    pull(loader, *answer(2, FIRST[0], LAST, event(at=JANUARY, milestone="x")), rejected={2: "milestone_unknown"})
    assert withdrawn(loader) == []


def test_an_answer_of_which_a_nameless_part_was_rejected_withdraws_nothing(loader: Loader) -> None:
    pull(loader, *answer(1, *FIRST, LAST))
    nameless = {"carrier": "dhl", "source": "dhl", "unreadable": "one parcel can't be read"}
    pull(loader, *answer(2, FIRST[0], LAST, nameless), rejected={2: "unreadable_value"})
    assert withdrawn(loader) == []


def test_only_what_an_answer_of_that_source_told_is_withdrawn(loader: Loader) -> None:
    loader.events(event(at=JANUARY + days(1), milestone="export_cleared"))  # from a file
    told_by_other = event(at=JANUARY + days(1), milestone="import_cleared", source="seventeentrack")
    pull(loader, *answer(1, *FIRST, told_by_other))
    pull(loader, *answer(2, FIRST[0]))
    assert withdrawn(loader) == ["hub_arrived"]


def test_a_file_withdraws_nothing(loader: Loader) -> None:
    pull(loader, *answer(1, *FIRST))
    loader.events(FIRST[0])
    assert withdrawn(loader) == []


def test_an_older_answer_that_is_loaded_late_withdraws_nothing(loader: Loader) -> None:
    pull(loader, *answer(2, *FIRST, LAST))
    pull(loader, *answer(1, *FIRST))
    assert withdrawn(loader) == []


def test_a_withdrawn_delivery_opens_the_journey_again(loader: Loader) -> None:
    pull(loader, *answer(1, *FIRST, event(at=JANUARY + days(3), milestone="delivered")))
    assert loader.journeys()[0][2] is True
    pull(loader, *answer(2, *FIRST, LAST))
    assert withdrawn(loader) == ["delivered"]
    assert loader.journeys()[0][2] is False


def test_the_poll_plan_moves_once_per_run(loader: Loader) -> None:
    loader.shipments(shipment())
    (shipment_id,) = loader.asked("SELECT shipment_id FROM core.shipment")[0]
    loader.execute(
        "INSERT INTO ops.poll_plan (shipment_id, carrier, source, next_poll_at, reason) "
        "VALUES (%s, 'dhl', 'dhl', %s, 'new')",
        shipment_id,
        NOW,
    )
    now = JANUARY + days(9)
    run = loader.open("tracking_event", kind="pull", as_of=now)
    loader.execute(
        "INSERT INTO ops.poll_request (run_id, shipment_id, carrier, source, shard, tracking_number, reason, outcome) "
        "VALUES (%s, %s, 'dhl', 'dhl', 0, 'LC0001', 'due', 'answered')",
        run.run_id,
        shipment_id,
    )
    from lanecast.follow import polling
    from lanecast.warehouse import load as loading

    batch = loader.stage(run, "tracking_event", answer(1, *FIRST))
    first = loading.load(run, batch, loader.address, polling.replan)
    assert loading.load(run, batch, loader.address, polling.replan) == first
    ((polls, without_news, next_at),) = loader.asked(
        "SELECT polls, polls_without_news, next_poll_at FROM ops.poll_plan"
    )
    assert (polls, without_news) == (1, 0)
    assert timedelta(minutes=15) <= next_at - now <= timedelta(hours=26)


# ------------------------------------------------------------------------------------------------ awkward values


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("tab\there", "tab\there"),
        ("line\nbreak\r\n", "line\nbreak\r\n"),
        ("back\\slash \\N \\.", "back\\slash \\N \\."),
        ("\\N", "\\N"),
        ("nul\0byte", "nulbyte"),
        ("🚚 São Paulo 東京", "🚚 São Paulo 東京"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ("100% 'x' \"y\" {z} %s %(a)s", "100% 'x' \"y\" {z} %s %(a)s"),
        ("", ""),
        ("x" * 3_000_000, "x" * 3_000_000),
    ],
    ids=["tab", "newline", "backslash", "null mark", "nul", "emoji", "surrogate", "placeholders", "empty", "huge"],
)
def test_awkward_text_arrives_as_it_was(loader: Loader, text: str, kept: str) -> None:
    assert loader.events(event(city=text, code="c"), event(at=JANUARY + days(1))) == (2, 0, 0)
    assert (kept,) in loader.asked("SELECT city FROM core.tracking_event")


def test_events_at_the_edges_of_months_and_far_away_find_a_partition(loader: Loader) -> None:
    moments = [
        datetime(1990, 1, 1, tzinfo=UTC),
        datetime(2025, 12, 31, 21, 59, tzinfo=UTC),
        datetime(2025, 12, 31, 22, 0, tzinfo=UTC),
        NOW + days(365),
    ]
    rows = [event(f"LC{number:04}", moment) for number, moment in enumerate(moments)]
    assert loader.events(*rows) == (4, 0, 0)
    made = [row[0] for row in loader.asked("SELECT DISTINCT tableoid::regclass::text FROM core.tracking_event")]
    assert sorted(made) == [f"core.tracking_event_{month}" for month in ("199001", "202512", "202601", "202706")]
    partitions = loader.asked("SELECT FROM pg_inherits WHERE inhparent = 'core.tracking_event'::regclass")
    assert len(partitions) < 24, "months between two stray dates get no partition"


def test_an_empty_batch_is_loaded_and_recorded(loader: Loader) -> None:
    assert loader.events() == (0, 0, 0)
    assert loader.asked("SELECT received FROM quality.reconciliation") == [(0,)]
