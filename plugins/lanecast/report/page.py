"""A run's quality report as HTML, and what each page has in common: every value escaped, no script, nothing from
elsewhere."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lanecast import words
from lanecast.report import drawing
from lanecast.report.content import Dataset, Report

_FOLDER = Path(__file__).parent / "templates"


def report_page(told: Report, is_alone: bool = False, is_file: bool = False) -> str:
    """A run's quality report: on the desk, or as a file that stands for itself. The same run gives the same text."""
    return (
        environment()
        .get_template("report.html")
        .render(
            told=told,
            is_alone=is_alone,
            up=None if is_file else "../",
            policy=content_policy().partition("; frame-ancestors")[0],
        )
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
    counted = [words.number(value) for value in received]
    parted = [words.share(one.quarantined, one.received) for one in told.trend]
    return [
        Chart(
            "Rows received",
            words.number(round(tops[0])),
            drawing.bars(received, tops[0], slots),
            counted,
            f"Rows received in {len(counted)} runs: {words.number(min(received))} to {words.number(max(received))}, "
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
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def environment(folder: Path | None = None) -> Environment:
    """The templates of the report; with a folder its templates too, which may extend and import those."""
    found = Environment(
        loader=FileSystemLoader([_FOLDER] if folder is None else [folder, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # No more than a read stylesheet of this package: the only text that is put in as it is.
    found.globals["style"] = Markup(_style())  # noqa: S704
    found.globals["parts"] = drawing.parts
    found.filters |= {
        **{one.__name__: one for one in (words.number, words.moment, words.share, words.shown, words.duration)},
        "charts": charts,
        "zip": zip,
        "line": drawing.line,
    }
    return found
