"""`lanecast quarantine list` as a terminal shows it, wide or narrow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lanecast.quarantine import console

FIRST, LAST = datetime(2026, 5, 2, 6, tzinfo=UTC), datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
LONG = "tracking_number …[776] is not one that ups gives out, which are 18 characters long and begin with 1Z"


def group(dataset: str, rule: str, rows: int, reason: str) -> dict[str, Any]:
    return {
        **{"dataset": dataset, "rule": rule, "rows": rows, "times_seen": 2 * rows},
        **{"first_seen_at": FIRST, "last_seen_at": LAST, "example_id": 17, "reason": reason},
    }


@pytest.mark.parametrize("width", [80, 140])
def test_what_is_looked_for_stands_whole_on_one_line(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    groups = [
        group("tracking_event", "tracking_number_malformed", 12345, LONG),
        group("shipment", "delivered_before_handed_over", 3, "[bold]x"),
    ]
    console.show_list({"groups": groups}, "open")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [
        "dataset         rule                            rows    seen  last seen",
        "tracking_event  tracking_number_malformed     12,345  24,690  2026-05-04 07:30",
    ]
    assert "shipment        delivered_before_handed_over       3       6  2026-05-04 07:30" in lines
    assert "    since 2026-05-02 06:00, for example 17: [bold]x" in lines
    assert max(map(len, lines)) <= width
    # The example goes on below itself, and nothing of it is lost.
    below = lines[2 : lines.index("shipment        delivered_before_handed_over       3       6  2026-05-04 07:30")]
    assert all(line.startswith("    ") for line in below)
    assert " ".join(line.strip() for line in below) == f"since 2026-05-02 06:00, for example 17: {LONG}"
