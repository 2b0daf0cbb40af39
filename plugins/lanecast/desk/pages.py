"""The desk's pages as HTML: templates beside this module, every value escaped, no script and nothing from elsewhere."""

from __future__ import annotations

import csv
import io
import unicodedata
from base64 import b64encode
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lanecast.desk import drawing, quality
from lanecast.desk.quality import Quality, UnmappedCode
from lanecast.desk.report import Dataset, Report

_FOLDER = Path(__file__).parent / "templates"
_NONE = "–"


def quality_page(told: Quality, is_alone: bool = False) -> str:
    """The quality page. `is_alone`: not inside a page of Airflow's, so that a link leads there."""
    template = _environment().get_template("quality.html")
    return template.render(
        told=told,
        is_alone=is_alone,
        up="",
        today=told.read_at.date(),
        groups=quality.by_source(told.unmapped_codes),
        received=sum(day.received for day in told.days),
        quarantined=sum(day.quarantined for day in told.days),
        not_loaded=sum(day.stopped + day.failed for day in told.days),
        down=[carrier for carrier in told.carriers if carrier.down_since],
        failing=[carrier for carrier in told.carriers if carrier.failed_24h and not carrier.down_since],
        days_shown=quality.DAYS,
    )


def report_page(told: Report, is_alone: bool = False, is_file: bool = False) -> str:
    """A run's quality report: on the desk, or as a file that stands for itself. The same run gives the same text."""
    return (
        _environment()
        .get_template("report.html")
        .render(
            told=told,
            is_alone=is_alone,
            up=None if is_file else "../",
            policy=content_policy().partition("; frame-ancestors")[0],
        )
    )


def problem_page(title: str, problem: str, remedy: str = "", is_alone: bool = False, up: str = "") -> str:
    """A page that says what is wrong, and what to do about it. `up` leads from its address to the desk's start."""
    return (
        _environment()
        .get_template("problem.html")
        .render(title=title, problem=problem, remedy=remedy, is_alone=is_alone, up=up)
    )


class Chart(NamedTuple):
    """A dataset's numbers in the last runs, as bars."""

    title: str
    top: str
    bars: list[drawing.Bar]
    values: list[str]
    words: str
    """The chart in a sentence."""


def charts(told: Dataset) -> list[Chart]:
    """How much came in and how much of it was put aside, in each of the last runs."""
    received = [one.received for one in told.trend]
    shares = [100 * one.quarantined / one.received if one.received else 0.0 for one in told.trend]
    tops = drawing.rounded_up(max([4, *received])), drawing.rounded_up(max([0.1, *shares]))
    slots = max(len(told.trend), 12)
    counted = [number(value) for value in received]
    parted = [share(one.quarantined, one.received) for one in told.trend]
    return [
        Chart(
            "Rows received",
            number(round(tops[0])),
            drawing.bars(received, tops[0], slots),
            counted,
            f"Rows received in {len(counted)} runs: {number(min(received))} to {number(max(received))}, "
            f"in this run {counted[-1]}.",
        ),
        Chart(
            "Share quarantined",
            f"{tops[1]:g} %",
            drawing.bars(shares, tops[1], slots),
            parted,
            f"Share of rows quarantined in {len(parted)} runs: at most {max(shares):.1f} %, in this run {parted[-1]}.",
        ),
    ]


@cache
def content_policy() -> str:
    """What a page may load: its own style, by its hash, and nothing else."""
    style = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


@cache
def _style() -> str:
    return (_FOLDER / "desk.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # No more than a read stylesheet of this package: the only text that is put in as it is.
    found.globals["style"] = Markup(_style())  # noqa: S704
    found.filters |= {
        "number": number,
        "moment": moment,
        "csv_row": csv_row,
        "title_of": quality.title_of,
        "share": share,
        "shown": shown,
        "duration": duration,
        "charts": charts,
        "zip": zip,
        "line": drawing.line,
    }
    found.globals["parts"] = drawing.parts
    return found


def number(value: int | None) -> str:
    """`12,345`; a dash for None."""
    return _NONE if value is None else f"{value:,}"


def moment(value: datetime | None) -> str:
    """`2026-05-20 12:00`, in UTC; a dash for None."""
    return _NONE if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def share(part: int, whole: int) -> str:
    """`0.4 %` of a whole, never rounded to none or all; a dash where there is no whole."""
    if not whole:
        return _NONE
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `2 min 5 s`, `1 h 3 min`; a dash for None."""
    if seconds is None:
        return _NONE
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 0.05 or not seconds else "< 0.1 s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def shown(text: str | None, most: int = 400) -> str:
    """A text as it can be shown: cut, and with what can't be seen, or turns the text's direction, written out."""
    if not text:
        return _NONE
    found = text if len(text) <= most else f"{text[:most]}…"
    return "".join(_written(one) for one in found)


def _written(one: str) -> str:
    if one in "\n\t\r":
        return " "
    # Cc: control; Cf: format (directions, joiners of nothing); Cs: half a character; Zl, Zp: breaks.
    return f"\\u{ord(one):04x}" if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else one


def csv_row(code: UnmappedCode, today: date) -> str:
    """The row for a code table, words in capitals to be filled in: a table with them left in is refused."""
    line = io.StringIO()
    name = " ".join(code.code.split()) if code.code.startswith("text/") else code.code
    csv.writer(line, lineterminator="").writerow([name, "MILESTONE", "", "MEANING", "SOURCE", today.isoformat()])
    return line.getvalue()
