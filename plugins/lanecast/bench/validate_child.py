"""The process in which `lanecast bench validate` judges: it does nothing else, so that its memory is the gate's."""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import time
from datetime import datetime
from typing import Any, cast

import msgspec

from lanecast.contracts import engine, gate
from lanecast.contracts.engine import Finding, Judge
from lanecast.contracts.reader import contract
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import runs
from lanecast.warehouse.staging import Batch


class _Timed:
    """A judge that knows how long it took."""

    def __init__(self, court: Judge) -> None:
        self._court = court
        self.seconds = 0.0

    def findings(self, *arguments: Any, **known: Any) -> list[Finding]:
        began = time.monotonic()
        found = self._court.findings(*arguments, **known)
        self.seconds += time.monotonic() - began
        return found


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Reads address, moment and rules as JSON from stdin; prints seconds, megabytes and counts as JSON."""
    asked = json.load(sys.stdin)
    address, as_of = asked["address"], datetime.fromisoformat(asked["as_of"])
    terms = contract("tracking_event")
    rules = [rule for rule in terms.rules if rule.name in asked["rules"]]
    terms = msgspec.structs.replace(terms, tables=[msgspec.structs.replace(terms.table, quality=rules)])
    with warehouse.connect(address=address) as link:
        run = dataclasses.replace(runs.find(link, "judged"), as_of=as_of)
    began = time.monotonic()
    from lanecast.contracts import expectations  # noqa: F401, it imports Great Expectations

    with engine.opened(address, as_of) as court:
        import_seconds, import_memory = time.monotonic() - began, _peak_mb()
        timed = _Timed(court)
        began = time.monotonic()
        verdict = gate.judge_by(cast(Judge, timed), run, Batch("judged", "tracking_event"), terms, address)
        seconds = time.monotonic() - began
    told = {
        "seconds": seconds,
        "routing_seconds": seconds - timed.seconds,
        "import_seconds": import_seconds,
        "import_memory_mb": import_memory,
        "memory_mb": _peak_mb(),
        "rejected": sum(verdict.rejected.values()),
        "failed": verdict.failed,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
