"""A run killed (SIGKILL) between any two steps and inside them, then resumed: as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from load_rows import Loader
from quarantine_rows import HEADERS, Quarantine
from quarantine_steps import POINTS

from lanecast import pipeline
from lanecast.quarantine.selection import Selection, open_replay

LINES = [
    f"dhl,LC000{number % 5},2026-01-0{day}T10:00:00Z,C{day},On its way,{'ZZ' if day == 3 else 'DE'},,Bremen,"
    for number in range(6)
    for day in range(1, 5)
]
pytestmark = pytest.mark.timeout(300)


def state(address: str) -> dict[str, Any]:
    loader = Loader(address)
    return {
        **loader.contents(),
        "quarantine": loader.asked(
            "SELECT rule, row_hash, status, times_seen, replays FROM quality.quarantined_row ORDER BY 1, 2"
        ),
        "numbers": loader.asked(
            "SELECT run_id, dataset, source_count, received, loaded, duplicate, quarantined "
            "FROM quality.reconciliation ORDER BY 1, 2"
        ),
        "runs": loader.asked("SELECT run_id, state FROM ops.run ORDER BY 1"),
        "staging": loader.asked("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'"),
        "parts": loader.asked("SELECT * FROM ops.load_part"),
    }


def carry_out(run_id: str, point: str) -> int:
    """In a process of its own, against the configured warehouse; its exit code."""
    driver = Path(__file__).parent / "quarantine_steps.py"
    done = subprocess.run([sys.executable, str(driver), run_id, point], capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-3000:]
    return done.returncode


def open_import(address: str, folder: Path) -> str:
    path = folder / "events.csv"
    path.write_text("\n".join([HEADERS["events"], *LINES, ""]))
    return pipeline.open_import("the-import", "events", str(path), address=address).run_id


def open_quarantined(address: str, folder: Path) -> str:
    quarantine = Quarantine(address, folder)
    quarantine.import_("events", *LINES)
    first = quarantine.rows()[0][0]
    patch = quarantine.patch({"quarantined_row_id": first, "country": "DE"})
    chosen = Selection(rule="country_unknown", patch=patch)
    return open_replay("the-replay", chosen, address=address).run_id


OPENED = {"import": open_import, "quarantine": open_quarantined}


@pytest.mark.parametrize("kind", OPENED)
def test_killed_anywhere_and_resumed_it_is_as_if_nothing_had_happened(
    warehouse: str, tmp_path: Path, kind: str
) -> None:
    """One warehouse per kind: the run is killed at every point in turn, resumed each time by the next attempt."""
    run_id = OPENED[kind](warehouse, tmp_path)
    loader = Loader(warehouse)
    for point in POINTS:
        if point == "nowhere":
            continue
        code = carry_out(run_id, point)
        assert code == -signal.SIGKILL, f"never came to {point!r}"
        reconciled = loader.asked("SELECT FROM quality.reconciliation WHERE run_id = %s", run_id) != []
        assert reconciled == (point in {"loaded", "before the end is noted"}), point
    assert carry_out(run_id, "nowhere") == 0
    ((received, loaded, duplicate, quarantined, source_count),) = loader.asked(
        "SELECT received, loaded, duplicate, quarantined, source_count FROM quality.reconciliation WHERE run_id = %s",
        run_id,
    )
    assert received == source_count == loaded + duplicate + quarantined
    assert loader.asked("SELECT state FROM ops.run WHERE run_id = %s", run_id) == [("loaded",)]
    assert state(warehouse)["staging"] == []
    if kind == "import":
        assert (received, loaded, quarantined) == (24, 15, 6)
        assert loader.asked("SELECT count(*), sum(times_seen) FROM quality.quarantined_row") == [(5, 6)]
    else:
        assert (received, loaded, quarantined) == (5, 1, 4)
        assert loader.asked(
            "SELECT status, count(*), min(replays), max(replays), sum(times_seen) "
            "FROM quality.quarantined_row GROUP BY 1 ORDER BY 1"
        ) == [
            (
                "open",
                4,
                1,
                1,
                5
                if loader.asked("SELECT times_seen FROM quality.quarantined_row WHERE status = 'replayed'") == [(1,)]
                else 4,
            ),
            (
                "replayed",
                1,
                1,
                1,
                loader.asked("SELECT times_seen FROM quality.quarantined_row WHERE status = 'replayed'")[0][0],
            ),
        ]
