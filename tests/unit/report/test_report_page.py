"""A run's quality report as a page: what it says of each kind of run, and how it holds awkward values."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lanecast import addresses
from lanecast.report import drawing, files, reading
from lanecast.report import page as pages
from lanecast.report.content import Alert, Dataset, Judged, Past, Report, Sample, Step
from lanecast.report.verdict import verdict

AS_OF = datetime(2026, 6, 1, 6, tzinfo=UTC)
RUN = "carrier_tracking:manual__2026-11-24T19:24:00.123456+00:00_abc"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e\u0000\ud800" + "x" * 10_000


def judged(rule: str = "country_unknown", **rest: Any) -> Judged:
    told: dict[str, Any] = {
        **{"rule": rule, "severity": "row", "expectation": "expect_rows_to_satisfy", "description": "A country."},
        **{"rows_checked": 1000, "rows_failed": 0, "passed": True, "waived": False, "claimed": 0, "reason": ""},
        **{"trend": [0.0, 0.0], "samples": []},
    }
    return Judged(**(told | rest))


def sample(**rest: Any) -> Sample:
    told: dict[str, Any] = {
        **{"quarantined_row_id": 7, "reason": "country ZZ is not known", "values": {"country": "ZZ"}},
        **{
            "named": ["country"],
            "hidden": ["description"],
            "place": "events.csv:17",
            "times_seen": 1,
            "status": "open",
        },
    }
    return Sample(**(told | rest))


def past(number: int, **rest: Any) -> Past:
    told: dict[str, Any] = {
        **{"run_id": f"r{number}", "as_of": AS_OF + timedelta(days=number), "started_at": AS_OF, "state": "loaded"},
        **{"received": 1000, "loaded": 900, "duplicate": 90, "quarantined": 10},
    }
    return Past(**(told | rest))


def dataset(name: str = "tracking_event", **rest: Any) -> Dataset:
    told: dict[str, Any] = {
        **{"dataset": name, "rows": reading.plural(name), "meaning": "What carriers said.", "staged": 1000},
        **{"source_count": 1000, "received": 1000, "loaded": 900, "duplicate": 100, "quarantined": 0},
        **{"rules": [judged()], "trend": [past(1), past(2)]},
    }
    return Dataset(**(told | rest))


def told(*datasets: Dataset, state: str = "loaded", alerts: list[Alert] | None = None, **rest: Any) -> Report:
    given: dict[str, Any] = {
        **{"run_id": RUN, "kind": "pull", "dataset": "tracking_event", "source": "carriers", "state": state},
        **{"as_of": AS_OF, "started_at": AS_OF, "finished_at": AS_OF, "seconds": 75.2},
        **{"steps": [Step(name="stage", seconds=1.5)], "datasets": list(datasets), "alerts": alerts or []},
        "error": None,
        "verdict": verdict(RUN, state, datasets, alerts or []),
    }
    return Report(**(given | rest))


def alert(**rest: Any) -> Alert:
    given: dict[str, Any] = {
        **{"alert_id": 1, "kind": "batch_stopped", "dataset": "tracking_event", "rule": "mostly_bad", "subject": ""},
        **{"severity": "critical", "message": "It stopped.", "opened_at": AS_OF, "times_seen": 2, "resolved_at": None},
    }
    return Alert(**(given | rest))


class Seen(HTMLParser):
    """What a browser would make of a page: its elements in order, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self._hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        self._hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())


def page(*datasets: Dataset, **rest: Any) -> str:
    return pages.report_page(told(*datasets, **rest), is_file=True)


BROKEN = judged(rows_failed=20, passed=False, claimed=10, trend=[0.0, 0.02], samples=[sample()])
STOPPER = judged(
    "mostly_bad", severity="batch", rows_failed=700, passed=False, claimed=1000, reason="700 of 1,000 rows break a rule"
)


def test_a_clean_run_needs_nothing() -> None:
    text = Seen(page(dataset(loaded=1000, duplicate=0))).text
    assert "All good" in text
    assert "1,000 tracking events received, all of them loaded." in text
    assert "Nothing needs attention." in text
    assert "All 1 rules hold." in text
    assert "never in 2 runs" in text
    assert "No row broke a rule that puts rows aside." in text
    assert "1 min 15 s" in text


def test_rows_put_aside_are_told_with_what_to_do() -> None:
    text = Seen(page(dataset(loaded=890, quarantined=10, rules=[BROKEN, judged("held")]))).text
    assert "Loaded, but 10 rows were put aside" in text
    assert "1,000 tracking events received: 890 loaded, 100 known already and 10 quarantined." in text
    assert f"lanecast quarantine replay --run {RUN}" in text
    assert "1 of 2 rules does not hold" in text
    assert "country ZZ is not known" in text
    assert "events.csv:17" in text
    assert "lanecast quarantine show 7" in text
    assert "Not shown, for it tells of a person: description." in text


def test_a_stopped_batch_comes_with_the_way_to_release_it() -> None:
    stopped = dataset("shipment", loaded=0, duplicate=0, quarantined=1000, rules=[STOPPER, judged()])
    text = Seen(page(stopped, dataset(), state="stopped")).text
    assert "Stopped: no shipments were loaded" in text
    assert "1,000 shipments received, all of them quarantined." in text
    assert "900 loaded and 100 known already." in text
    assert "700 of 1,000 rows break a rule" in text
    assert "include/contracts/shipment.yaml" in text
    assert "--waive mostly_bad" in text


def test_a_waived_rule_stops_nothing() -> None:
    text = Seen(page(dataset(rules=[STOPPER.model_copy(update={"waived": True, "claimed": 0})]))).text
    assert "! waived" in text
    assert "Batch stopped" not in text


@pytest.mark.parametrize(
    ("datasets", "state", "words"),
    [
        (
            [],
            "running",
            ["Still under way", "Nothing of it is staged yet.", "Nothing of this run is staged or judged."],
        ),
        (
            [dataset(received=None, source_count=None, loaded=None, duplicate=None, quarantined=None, trend=[])],
            "running",
            ["1,000 tracking events are judged and not loaded yet.", "1,000 rows are staged; they are not loaded yet."],
        ),
        ([], "failed", ["The run failed", "Nothing of it was loaded.", "clear the task"]),
        ([], "loaded", ["Nothing to load", "without receiving a row"]),
        (
            [
                dataset(
                    "carrier_feed", staged=None, received=None, loaded=None, duplicate=None, quarantined=None, trend=[]
                )
            ],
            "loaded",
            ["The run judged what lies in the warehouse", "nothing is loaded"],
        ),
        ([dataset(received=0, loaded=0, duplicate=0)], "loaded", ["No row was received."]),
    ],
)
def test_whatever_the_state_the_page_is_of_use(datasets: list[Dataset], state: str, words: list[str]) -> None:
    text = Seen(page(*datasets, state=state)).text
    for one in words:
        assert one in text


def test_warnings_and_alerts_are_worth_a_look() -> None:
    warned = dataset(rules=[judged("zone_assumed", severity="warn", passed=False, rows_failed=400)])
    found = told(warned, alerts=[alert(), alert(alert_id=2, message="It was.", resolved_at=AS_OF)])
    assert found.verdict.level == "warn"
    text = Seen(pages.report_page(found)).text
    assert "1 rule only warned and 1 alert is open." in text
    assert "It stopped." in text
    assert "✓ resolved" in text


def test_rows_that_the_merge_put_aside_have_a_word() -> None:
    one = dataset(loaded=899, quarantined=1, rules=[judged(samples=[sample()])])
    assert one.contradicting == 1
    assert "Held at the gate; the merge put this row aside" in Seen(page(one)).text


def test_every_value_is_escaped_and_what_cannot_be_seen_is_written_out() -> None:
    hostile = dataset(
        EVIL[:60],
        meaning=EVIL,
        loaded=890,
        quarantined=10,
        rules=[
            judged(
                EVIL,
                description=EVIL,
                passed=False,
                rows_failed=3,
                claimed=1,
                samples=[sample(reason=EVIL, values={EVIL: EVIL}, hidden=[EVIL], place=EVIL, status=EVIL)],
            ),
            STOPPER.model_copy(update={"rule": EVIL, "reason": EVIL}),
        ],
        trend=[past(1, run_id=EVIL, state=EVIL), past(2)],
    )
    found = told(
        hostile,
        state="stopped",
        alerts=[alert(dataset=EVIL, rule=EVIL, subject=EVIL, message=EVIL)],
        **dict.fromkeys(("run_id", "kind", "source", "error"), EVIL),
        steps=[Step(name=EVIL, seconds=1)],
    )
    text = pages.report_page(
        found.model_copy(update={"verdict": verdict(EVIL, "stopped", [hostile], [])}), is_file=True
    )
    seen = Seen(text)
    assert {tag for tag, _ in seen.elements}.isdisjoint({"script", "img", "iframe", "link", "object", "form"})
    for tag, attributes in seen.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "srcset"}], tag
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 15
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "\\u202e\\u0000\\ud800" in text
    assert len(text) < 60_000


@pytest.mark.parametrize("is_file", [True, False])
def test_it_loads_nothing_and_stands_for_itself(is_file: bool) -> None:
    text = pages.report_page(told(dataset(rules=[BROKEN, STOPPER], quarantined=10, loaded=890)), is_file=is_file)
    assert not re.search(r"https?://|//[a-z]|@import|url\(|<script|javascript:", text.replace("Lanecast//", ""))
    seen = Seen(text)
    links = [attributes["href"] for tag, attributes in seen.elements if tag == "a"]
    if is_file:
        assert all(link and link.startswith("#") for link in links)
        assert any(attributes.get("http-equiv") == "Content-Security-Policy" for _, attributes in seen.elements)
    else:
        assert "../quality" in links
        assert "../api/quality/run?run=carrier_tracking%3Amanual__2026-11-24T19%3A24%3A00.123456%2B00%3A00_abc" in links
    # Every link within the page leads somewhere.
    anchors = {attributes.get("id") for _, attributes in seen.elements}
    assert {link[1:] for link in links if link and link.startswith("#")} <= anchors


def test_it_reads_without_sight_or_colour() -> None:
    seen = Seen(page(dataset(rules=[BROKEN, judged("held")], loaded=890, quarantined=10)))
    levels = [int(tag[1]) for tag, _ in seen.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))
    tables = [tag for tag, _ in seen.elements if tag == "table"]
    assert len(tables) == len([tag for tag, _ in seen.elements if tag == "caption"]) == 2
    assert all(attributes.get("scope") in {"col", "row"} for tag, attributes in seen.elements if tag == "th")
    for tag, attributes in seen.elements:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or (
                attributes.get("role"),
                bool(attributes.get("aria-label")),
            )
    anchors = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    assert len(anchors) == len(set(anchors))


def test_the_same_run_gives_the_same_text() -> None:
    assert page(dataset(rules=[BROKEN])) == page(dataset(rules=[BROKEN]))


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/data/shipments.csv", "/data/shipments.csv"),
        ("s3://key:s3cret@bucket/a.csv", "s3://bucket/a.csv"),
        ("https://h/a.csv?X-Amz-Signature=s3cret#f", "https://h/a.csv"),
        ("https://u:s3cret@h", "https://h"),
        ("https://u:s3%40cret@h?p=a@b/c", "https://h"),
    ],
)
def test_addresses_are_told_without_secrets(place: str, shown: str) -> None:
    assert addresses.bare(place) == shown


# ------------------------------------------------------------------------------------------------------- drawing


def test_a_line_ends_at_the_last_value_and_breaks_where_there_is_none() -> None:
    found = drawing.line([0.0, 0.5, None, 1.0])
    assert found is not None
    assert [len(points.split()) for points in found.stretches] == [2, 1]
    assert (found.end_x, found.end_y) == (117.0, 3.0)
    assert drawing.line([None, None]) is None
    assert drawing.line([]) is None
    single = drawing.line([0.2])
    assert single is not None
    assert single.end_x == 117.0


def test_parts_add_up_and_the_smallest_can_be_seen() -> None:
    found = drawing.parts([999_999, 0, 1])
    assert sum(part.width for part in found) == pytest.approx(100, abs=0.05)
    assert found[1].width == 0
    assert found[2].width > 0.5
    assert found[2].x == pytest.approx(found[0].width)
    assert [part.width for part in drawing.parts([0, 0, 0])] == [0, 0, 0]


def test_bars_stand_at_the_right_and_what_is_not_nought_can_be_seen() -> None:
    found = drawing.bars([0, 1, 1000], 1000, 12)
    assert [bar.height for bar in found] == [0, 1.5, 100]
    assert found[-1].x + found[-1].width == pytest.approx(100, abs=1)


@pytest.mark.parametrize(("value", "top"), [(0, 1), (0.03, 0.04), (1, 1), (2.2, 4), (7, 8), (1328, 2000), (10, 10)])
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    assert drawing.rounded_up(value) == pytest.approx(top)


# --------------------------------------------------------------------------------------------------------- files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANECAST_REPORTS", str(tmp_path / "reports"))
    return tmp_path / "reports"


def test_names_are_safe_stable_and_of_one_run(folder: Path) -> None:
    assert files.path_of(RUN) == files.path_of(RUN)
    assert files.path_of(RUN).name.startswith(
        "carrier_tracking-manual-2026-11-24T19-24-00.123456-00-00".replace("_", "-")
    )
    ids = [RUN, RUN + "/", "../../etc/passwd", "..", "", "/", "é" * 300, "\ud800", "a/b", "a:b", "A:b"]
    paths = [files.path_of(one) for one in ids]
    assert len({str(path).lower() for path in paths}) == len(ids)
    for path in paths:
        assert path.parent == folder
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,100}\.html", path.name)
        assert not path.name.startswith(".")


def test_a_report_is_written_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files.write(told(dataset()))
    before = path.read_bytes()
    assert files.write(told(dataset())) == path
    assert path.read_bytes() == before

    def fail(*_: Any, **__: Any) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(pages, "report_page", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write(told(dataset(), state="failed"))
    assert path.read_bytes() == before
    assert [one.name for one in folder.iterdir()] == [path.name]


def test_a_report_that_cannot_be_made_is_a_warning(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert files.keep("r1", lambda: "postgresql://lanecast:s3cret@127.0.0.1:1/x") is None
    assert "the quality report of r1 could not be written" in caplog.text
    assert "s3cret" not in caplog.text


def test_old_reports_and_drafts_go_and_nothing_else(folder: Path) -> None:
    import os

    assert files.delete_older_than(10, AS_OF) == 0
    folder.mkdir()
    for name, age in (("old.html", 11), (".killed.draft", 11), ("new.html", 9), ("mine.txt", 99)):
        (folder / name).touch()
        moment = (AS_OF - timedelta(days=age)).timestamp()
        os.utime(folder / name, (moment, moment))
    assert files.delete_older_than(10, AS_OF) == 2
    assert {one.name for one in folder.iterdir()} == {"new.html", "mine.txt"}
