"""The desk's page with awkward values, and what it says where there is nothing, or no warehouse."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psycopg2.errors
import pytest

from lanecast.carriers import status
from lanecast.desk import pages
from lanecast.desk.quality import CarrierPolling, Load, LoadDay, Quality, UnmappedCode, by_source
from lanecast.report import page as shared
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import snapshot
from lanecast.words import share

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def quality(**told: Any) -> Quality:
    nothing: dict[str, Any] = {
        **{key: [] for key in ("unmapped_codes", "mapped_codes", "carriers", "days", "alerts", "not_loaded", "loads")},
        "read_at": NOW,
        "unmapped_open": len(told.get("unmapped_codes", [])),
        "unmapped_events": sum(code.times_seen for code in told.get("unmapped_codes", [])),
    }
    return Quality(**(nothing | told))


def code(
    source: str = "fedex", name: str = "ZZ", description: str | None = "Something new", **rest: Any
) -> UnmappedCode:
    told: dict[str, Any] = {"first_seen_at": NOW, "last_seen_at": NOW, "times_seen": 3, "mapped_at": None} | rest
    return UnmappedCode(source=source, code=name, description=description, **told)


def carrier(source: str = "dhl", **rest: Any) -> CarrierPolling:
    counts = dict.fromkeys(("answered_24h", "not_found_24h", "failed_24h", "not_asked_24h"), 0)
    counts |= dict.fromkeys(("followed", "due", "calls_today", "calls_this_month"), 0)
    nothing = dict.fromkeys(("account", "last_answered_at", "last_problem", "down_since", "down_until"))
    nothing |= dict.fromkeys(("allowed_today", "allowed_this_month"))
    return CarrierPolling(source=source, **(counts | nothing | rest))


def load(**rest: Any) -> Load:
    told: dict[str, Any] = {
        **{"run_id": "r1", "dataset": "tracking_event", "kind": "pull", "source": "carriers", "state": "loaded"},
        **{"started_at": NOW, "finished_at": NOW, "received": 10, "loaded": 7, "duplicate": 2, "quarantined": 1},
        **{"rules": 20, "rules_failed": 1, "rules_warned": 0, "failed_rules": ["occurred_at_not_ahead"]},
    }
    return Load(**(told | rest))


class Tags(HTMLParser):
    """The elements and attributes that a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_nothing_at_all_is_said_in_words() -> None:
    text = Tags(pages.quality_page(quality())).text
    assert "Every code that was seen is mapped." in text
    assert "No carrier has been asked yet." in text
    assert "Nothing was loaded in the last 7 days." in text
    assert "Nothing has been loaded yet" in text


def test_every_value_is_escaped() -> None:
    told = quality(
        unmapped_codes=[code(source=EVIL, name=EVIL, description=EVIL)],
        mapped_codes=[code(source=EVIL, name=EVIL, description=EVIL, mapped_at=NOW)],
        carriers=[carrier(EVIL, account=EVIL, last_problem=EVIL, failed_24h=1)],
        days=[
            LoadDay(
                day=NOW.date(),
                dataset=EVIL,
                runs=1,
                received=1,
                loaded=1,
                duplicate=0,
                quarantined=0,
                stopped=0,
                failed=0,
            )
        ],
        not_loaded=[load(state="stopped", source=EVIL, dataset=EVIL)],
        loads=[load(kind=EVIL, source=EVIL, state=EVIL, failed_rules=[EVIL])],
    )
    page = pages.quality_page(told)
    seen = Tags(page)
    assert seen.tags.isdisjoint({"script", "img", "iframe", "link"})
    assert not [name for name in seen.attributes if name.startswith("on") or name in {"src", "style"}]
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 15
    assert "<script" not in pages.problem_page(EVIL, EVIL, EVIL)


def test_long_values_are_cut_where_they_are_shown_and_whole_in_the_row_to_copy() -> None:
    long = "x" * 5000
    page = pages.quality_page(quality(unmapped_codes=[code(name="y" * 300, description=long)]))
    assert long not in page
    assert "x" * 200 in page
    assert f"{'y' * 300},MILESTONE" in page
    assert len(page) < 20_000


def test_the_page_loads_nothing_and_its_style_is_the_one_that_is_allowed() -> None:
    page = pages.quality_page(quality())
    assert not re.search(r"https?://|@import|url\(", page)
    from base64 import b64encode
    from hashlib import sha256

    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in shared.content_policy()


@pytest.mark.parametrize("name", ["ZZ", 'a,"b', "text/left the\ndepot, early", "=1+1"])
def test_the_row_to_copy_is_one_line_that_is_refused_until_it_is_filled_in(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = pages.csv_row(code(name=name), date(2026, 11, 24))
    (read,) = csv.reader([row])
    assert read == [" ".join(name.split()), "MILESTONE", "", "MEANING", "SOURCE", "2026-11-24"]
    folder = tmp_path / "reference" / "status_codes"
    folder.mkdir(parents=True)
    monkeypatch.setattr(status.settings, "include", lambda: tmp_path)
    table = folder / "made_up.csv"
    header = "code,milestone,reason,meaning,source,as_of\n"
    table.write_text(f"{header}{row}\n")
    with pytest.raises(ValueError, match="'MILESTONE' is no milestone"):
        status.status_table.__wrapped__("made_up")
    table.write_text(f"{header}{row.replace('MILESTONE', 'delayed')}\n")
    found = status.status_table.__wrapped__("made_up")
    known = found.by_text(" ".join(name.removeprefix("text/").split())) if name.startswith("text/") else None
    assert (known or found.codes[name]).milestone == "delayed"


def test_codes_are_told_by_source_with_the_way_to_map_them() -> None:
    codes = [code("fedex", "ZZ", times_seen=9), code("new_post", "text/handed over"), code("fedex", "YY")]
    fedex, other = by_source(codes)
    assert [one.code for one in fedex.codes] == ["ZZ", "YY"]
    assert (fedex.title, fedex.has_table, fedex.is_asked) == ("FedEx", True, True)
    assert (other.title, other.has_table, other.is_asked) == ("new_post", False, False)
    text = Tags(pages.quality_page(quality(unmapped_codes=codes))).text
    assert "lanecast replay raw --carrier fedex" in text
    assert "replay raw --carrier new_post" not in text
    assert by_source([code("../../../etc/passwd")])[0].has_table is False


def test_carriers_say_what_is_wrong_with_them() -> None:
    told = [
        carrier("dhl", down_since=NOW, down_until=NOW, last_problem="503 Service Unavailable"),
        carrier("ups", failed_24h=2, answered_24h=5),
        carrier("fedex", not_asked_24h=4, calls_today=250, allowed_today=250),
        carrier("usps", answered_24h=1),
        carrier("gls"),
    ]
    text = Tags(pages.quality_page(quality(carriers=told))).text
    for words in ("down since 2026-11-24 15:30", "503 Service", "some fail", "calls spent", "250 of 250", "quiet"):
        assert words in text


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(0, 0, "–"), (0, 9, "0.0 %"), (1, 100_000, "< 0.1 %"), (99_999, 100_000, "> 99.9 %"), (1, 3, "33.3 %")],
)
def test_shares_are_never_rounded_to_none_or_all(part: int, whole: int, told: str) -> None:
    assert share(part, whole) == told


SECRET = "s3cret"


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (psycopg2.errors.UndefinedTable(f"postgresql://u:{SECRET}@h/d"), "lanecast migrate"),
        (psycopg2.errors.InsufficientPrivilege(SECRET), "lanecast migrate"),
        (psycopg2.errors.QueryCanceled(SECRET), "long queries"),
        (psycopg2.ProgrammingError(f"invalid dsn: {SECRET}"), "Postgres is up"),
        (
            warehouse.NoWarehouse('the warehouse can\'t be reached: FATAL: role "lanecast_loader" does not exist'),
            "migrate",
        ),
        (warehouse.NoWarehouse(f"the warehouse can't be reached: {SECRET}"), "Postgres is up"),
    ],
)
def test_what_is_wrong_with_the_warehouse_is_told_without_its_address(
    error: Exception, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(warehouse, "connect", refuse)
    with pytest.raises(snapshot.Unavailable) as raised, snapshot.reading(lambda: "postgresql://"):
        pass
    assert remedy in raised.value.remedy
    assert SECRET not in raised.value.problem + raised.value.remedy
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("value", ["", "no address at all", f"postgresql://u:{SECRET}@h:port/d"])
def test_without_a_connection_that_can_be_read_the_remedy_is_to_give_one(
    value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", value)
    with pytest.raises(snapshot.Unavailable) as raised, snapshot.reading(warehouse.dsn):
        pass
    assert "AIRFLOW_CONN_LANECAST_WAREHOUSE" in raised.value.remedy
    assert SECRET not in raised.value.problem + raised.value.remedy + caplog.text
