"""The desk's pages as HTML: templates beside this module, every value escaped, no script and nothing from elsewhere."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lanecast.desk import quality
from lanecast.desk.quality import Quality, UnmappedCode

_FOLDER = Path(__file__).parent / "templates"
_NONE = "–"


def quality_page(told: Quality, is_alone: bool = False) -> str:
    """The quality page. `is_alone`: not inside a page of Airflow's, so that a link leads there."""
    template = _environment().get_template("quality.html")
    return template.render(
        told=told,
        is_alone=is_alone,
        today=told.read_at.date(),
        groups=quality.by_source(told.unmapped_codes),
        received=sum(day.received for day in told.days),
        quarantined=sum(day.quarantined for day in told.days),
        not_loaded=sum(day.stopped + day.failed for day in told.days),
        down=[carrier for carrier in told.carriers if carrier.down_since],
        failing=[carrier for carrier in told.carriers if carrier.failed_24h and not carrier.down_since],
        days_shown=quality.DAYS,
    )


def problem_page(title: str, problem: str, remedy: str = "", is_alone: bool = False) -> str:
    """A page that says what is wrong, and what to do about it."""
    return (
        _environment()
        .get_template("problem.html")
        .render(title=title, problem=problem, remedy=remedy, is_alone=is_alone)
    )


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
    }
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


def csv_row(code: UnmappedCode, today: date) -> str:
    """The row for a code table, words in capitals to be filled in: a table with them left in is refused."""
    line = io.StringIO()
    name = " ".join(code.code.split()) if code.code.startswith("text/") else code.code
    csv.writer(line, lineterminator="").writerow([name, "MILESTONE", "", "MEANING", "SOURCE", today.isoformat()])
    return line.getvalue()
