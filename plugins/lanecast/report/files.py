"""Quality reports as files, one a run: written whole or not at all, found by the run's id, removed with age."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from lanecast import settings
from lanecast.report import page, reading
from lanecast.report.content import Report

log = logging.getLogger(__name__)

_READABLE = 0o644
"""Values that tell of a person are masked: whoever may read the folder may read the report."""


def path_of(run_id: str) -> Path:
    """Where the report of a run lies: readable, and its own for each run, however the id is written."""
    words = re.sub(r"[^A-Za-z0-9.-]+", "-", run_id).strip("-.")[:80]
    told = hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return settings.reports() / f"{words or 'run'}-{told}.html"


def write(told: Report, path: Path | None = None) -> Path:
    """Writes a report, in the reports' folder by default; returns where it lies. Raises OSError where it can't."""
    path = path or path_of(told.run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=".", suffix=".draft", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(page.report_page(told, is_file=True))
        Path(draft).chmod(_READABLE)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return path


def keep(run_id: str, address: Callable[[], str]) -> Path | None:
    """Writes the report of a run whose load has ended. One that can't be written is a warning, and changes nothing:
    what was loaded is loaded."""
    try:
        path = write(reading.read(address, run_id))
    except Exception as error:
        log.warning(
            "the quality report of %s could not be written to %s: %s: %s",
            *(run_id, settings.reports(), type(error).__name__, error),
        )
        return None
    log.info("quality report: %s", path)
    return path


def delete_older_than(days: int, now: datetime) -> int:
    """Removes reports, and drafts of writers that were killed, by the time of their last change; returns how many."""
    folder = settings.reports()
    if not folder.is_dir():
        return 0
    oldest = (now - timedelta(days=days)).timestamp()
    removed = 0
    for path in folder.iterdir():
        if path.name.endswith((".html", ".draft")) and path.is_file() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
