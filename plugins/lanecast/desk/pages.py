"""The desk's pages as HTML: templates beside this module, with those of the report below them."""

from __future__ import annotations

import csv
import io
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment

from lanecast.desk import quality
from lanecast.desk.quality import Quality, UnmappedCode
from lanecast.report import page

_FOLDER = Path(__file__).parent / "templates"


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


def problem_page(title: str, problem: str, remedy: str = "", is_alone: bool = False, up: str = "") -> str:
    """A page that says what is wrong, and what to do about it. `up` leads from its address to the desk's start."""
    return (
        _environment()
        .get_template("problem.html")
        .render(title=title, problem=problem, remedy=remedy, is_alone=is_alone, up=up)
    )


@cache
def _environment() -> Environment:
    found = page.environment(_FOLDER)
    found.filters |= {"csv_row": csv_row, "title_of": quality.title_of}
    return found


def csv_row(code: UnmappedCode, today: date) -> str:
    """The row for a code table, words in capitals to be filled in: a table with them left in is refused."""
    line = io.StringIO()
    name = " ".join(code.code.split()) if code.code.startswith("text/") else code.code
    csv.writer(line, lineterminator="").writerow([name, "MILESTONE", "", "MEANING", "SOURCE", today.isoformat()])
    return line.getvalue()
