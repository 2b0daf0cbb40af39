"""The book of alerts, quality.alert: raised, counted and resolved as sets. Two that raise the same cause make one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg2.extensions import cursor as Cursor

from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.statements import statement

Severity = Literal["critical", "warning"]

WATCHED = ("feed", "drift", "disruption", "quality")
"""The kinds that watches raise, and end; those of a staged dataset's quality are a matter of its loads."""
KINDS = ("batch_stopped", "run_failed", "deadline", *WATCHED)
"""Each has a section in the runbook, docs/operations.md."""


@dataclass(frozen=True)
class Cause:
    """What an alert is about. `dataset`, `rule` and `subject` tell one cause from another; `message` is for people."""

    kind: str
    dataset: str
    rule: str
    subject: str
    message: str
    severity: Severity = "warning"


def raise_all(cursor: Cursor, causes: Iterable[Cause], run_id: str | None = None) -> int:
    """Opens an alert for each cause, or counts it where it is open; a run that raises again changes no count."""
    told = {(cause.dataset, cause.rule, cause.subject): cause for cause in causes}
    if told:
        given = list(told.values())
        cursor.execute(
            statement("alerts/raise"),
            {
                "run_id": run_id,
                "kinds": [cause.kind for cause in given],
                "datasets": [cause.dataset for cause in given],
                "rules": [cause.rule for cause in given],
                "subjects": [cause.subject for cause in given],
                "severities": [cause.severity for cause in given],
                "messages": [cause.message for cause in given],
            },
        )
    return len(told)


def resolve(cursor: Cursor, kinds: Sequence[str], datasets: Sequence[str] | None = None) -> int:
    """Ends the open alerts of these kinds and datasets; of all datasets where none are given."""
    cursor.execute(
        statement("alerts/resolve"),
        {"kinds": list(kinds), "datasets": None if datasets is None else list(datasets)},
    )
    return int(cursor.rowcount)


def resolve_released(cursor: Cursor) -> int:
    """Ends the alerts of stopped batches none of whose rows is left open in the quarantine."""
    cursor.execute(statement("alerts/resolve_released"))
    return int(cursor.rowcount)


def entries(everything: bool = False, address: str | None = None) -> list[dict[str, Any]]:
    """The open alerts, or all, as rows of mart.quality_alert."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("alerts/list"), {"everything": everything, "most": None})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
