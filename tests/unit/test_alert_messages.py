"""What alerts say: in words, wrapped, singular and plural right, grouped, and without a person in them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lanecast.alerts import book, message
from lanecast.alerts.message import Told, compose

OPENED = datetime(2026, 6, 1, 10, 15, tzinfo=UTC)
SILENT = Told(
    *(1, "feed", "carrier_feed", "feed_silent", "ups", "warning"),
    "ups has told nothing new for 14.0 hours, in which 420.0 events are usual. It is asked for 230 parcels.",
    *("data_watch:scheduled__2026-06-01", OPENED, None, 1),
)
STOPPED = replace(
    SILENT, alert_id=2, kind="batch_stopped", dataset="tracking_event", rule="mostly_bad", subject="carriers",
    severity="critical", message="The rule mostly_bad stopped the batch.",
)  # fmt: skip
ENDED = replace(SILENT, alert_id=3, subject="dhl", resolved_at=OPENED + timedelta(hours=26))


def test_one_alert_says_what_since_when_and_what_to_do() -> None:
    told = compose([SILENT])
    assert told.subject == "Lanecast, warning: feed silent: ups"
    assert told.text == (
        "WARNING  feed silent: ups\n"
        "  ups has told nothing new for 14.0 hours, in which 420.0 events are usual. It\n"
        "  is asked for 230 parcels.\n"
        "  Since 2026-06-01 10:15 UTC.\n"
        "  What to do: docs/operations.md#alert-feed\n"
        "  Run: data_watch:scheduled__2026-06-01"
    )


def test_an_end_says_from_when_to_when() -> None:
    told = compose([ENDED])
    assert told.subject == "Lanecast, resolved: feed silent: dhl"
    assert "From 2026-06-01 10:15 UTC to 2026-06-02 12:15 UTC: 26 hours." in told.text
    assert "What to do" not in told.text


@pytest.mark.parametrize(
    ("news", "subject"),
    [
        ([STOPPED, SILENT], "Lanecast: 2 alerts opened (1 critical)"),
        ([SILENT, ENDED], "Lanecast: 1 alert opened, 1 alert resolved"),
        ([ENDED, replace(ENDED, subject="gls")], "Lanecast: 2 alerts resolved"),
    ],
)
def test_many_are_one_message(news: list[Told], subject: str) -> None:
    told = compose(news)
    assert told.subject == subject
    assert told.text.count("\n\n") == len(news) - 1
    assert [one["alert_id"] for one in told.alerts] == [one.alert_id for one in news]


def test_a_flood_is_counted() -> None:
    told = compose([replace(SILENT, alert_id=number, subject=f"carrier {number}") for number in range(21)])
    assert told.text.endswith("And 1 more alert: `lanecast alerts --all` lists them.")
    assert told.text.count("WARNING") == message.MOST
    assert len(told.alerts) == 21


def test_lines_are_short_and_a_subject_is_one_line() -> None:
    told = compose([replace(SILENT, message="word " * 200, subject="a\nfile")])
    assert max(map(len, told.text.splitlines())) <= message.WIDTH
    assert "\n" not in told.subject


@pytest.mark.parametrize(
    ("lasted", "words"),
    [
        (timedelta(minutes=1), "1 minute."),
        (timedelta(minutes=119), "119 minutes."),
        (timedelta(hours=47), "47 hours."),
        (timedelta(hours=49), "2 days."),
    ],
)
def test_how_long_it_lasted(lasted: timedelta, words: str) -> None:
    assert compose([replace(SILENT, resolved_at=OPENED + lasted)]).text.count(f"UTC: {words}") == 1


def test_every_kind_has_its_place_in_the_runbook() -> None:
    runbook = (Path(__file__).resolve().parents[2] / message.RUNBOOK).read_text()
    titles = [line.lstrip("# ").lower() for line in runbook.splitlines() if line.startswith("#")]
    headings = {re.sub(r"[^a-z0-9_ -]", "", title).replace(" ", "-") for title in titles}
    for kind in book.KINDS:
        assert replace(SILENT, kind=kind).runbook.partition("#")[2] in headings


def test_a_terminal_gets_a_line_and_the_message_below() -> None:
    entry = {
        **{name: getattr(SILENT, name) for name in ("rule", "subject", "dataset", "severity", "message", "times_seen")},
        **{"is_open": True, "opened_at": OPENED, "resolved_at": None},
    }
    first, *rest = message.lines([entry])
    assert first == "warning   feed_silent (ups), since 2026-06-01 10:15 UTC, seen 1 time"
    assert " ".join(" ".join(rest).split()) == SILENT.message
    assert message.lines([]) == ["No alert is open."]
