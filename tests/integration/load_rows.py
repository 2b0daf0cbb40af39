"""Rows for the load's tests, and a way to stage, reject and load them without the gate."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lanecast.tracking import event_hash
from lanecast.warehouse import connection, runs, staging
from lanecast.warehouse import load as loading
from lanecast.warehouse.load import Reconciliation
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import COLUMNS, Batch

Row = dict[str, Any]
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
JANUARY = datetime(2025, 1, 10, 8, 30, tzinfo=UTC)
AUGUST = datetime(2025, 8, 10, 8, 30, tzinfo=UTC)


def event(number: str = "LC0001", at: datetime = JANUARY, milestone: str = "in_transit", **changes: Any) -> Row:
    """A scan at `at` UTC, two hours ahead on the local clock, by carrier dhl; its code is the milestone."""
    row: Row = {
        "carrier": "dhl",
        "tracking_number": number,
        "source": "dhl",
        "code": milestone,
        "description": milestone.replace("_", " "),
        "reported_at": (at + timedelta(hours=2)).replace(tzinfo=None, second=0, microsecond=0),
        "occurred_at": at,
        "utc_offset_minutes": 120,
        "tz_known": "place",
        "milestone": milestone,
        "country": "DE",
        "city": "Bremen",
        **changes,
    }
    return {"event_hash": event_hash(row["source"], row["code"], row["description"])} | row


def shipment(order: str | None = "A", number: str | None = "LC0001", **changes: Any) -> Row:
    """A registration by carrier dhl of which nothing else is told."""
    return {"order_id": order, "tracking_number": number, "carrier": "dhl", "destination_country": "FR"} | changes


def days(count: float) -> timedelta:
    return timedelta(days=count)


@dataclass
class Loader:
    """Stages rows, marks some as rejected, and loads; each batch is a run of its own unless one is named."""

    address: str
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def open(
        self,
        dataset: str,
        run_id: str | None = None,
        kind: str = "import",
        as_of: datetime = NOW,
        source: str | None = None,
    ) -> Run:
        with connection.connect(address=self.address) as link:
            return runs.open_run(link, run_id or f"run-{next(self.numbers)}", kind, dataset, source, as_of=as_of)

    def stage(self, run: Run, dataset: str, rows: Iterable[Row], rejected: Mapping[int, str] | None = None) -> Batch:
        """`rejected` gives the rule by the row's place, counted from 0; `batch:rule` rejects by a batch rule."""
        batch, columns = Batch(run.run_id, dataset), COLUMNS[dataset]
        given = list(rows)
        with connection.connect(address=self.address) as link:
            staging.create(link, batch)
            numbered = ({**row, "staged_row": place + 1, "source_line": place + 2} for place, row in enumerate(given))
            received = staging.copy_rows(link, batch, ([row.get(name) for name in columns] for row in numbered))
            staging.seal(link, batch, received)
            with link.cursor() as cursor:
                for place, rule in (rejected or {}).items():
                    severity, _, name = rule.rpartition(":")
                    cursor.execute(
                        f"INSERT INTO {batch.rejected} VALUES (%s, %s, %s, 'for the test')",
                        (place + 1, name, severity or "row"),
                    )
        return batch

    def load(
        self,
        dataset: str,
        rows: Iterable[Row],
        rejected: Mapping[int, str] | None = None,
        kind: str = "import",
        as_of: datetime = NOW,
        source: str | None = None,
    ) -> Reconciliation:
        run = self.open(dataset, kind=kind, as_of=as_of, source=source)
        return loading.load(run, self.stage(run, dataset, rows, rejected), self.address)

    def events(self, *rows: Row, **options: Any) -> tuple[int, int, int]:
        """(loaded, duplicate, quarantined)"""
        return counts(self.load("tracking_event", rows, **options))

    def shipments(self, *rows: Row, **options: Any) -> tuple[int, int, int]:
        return counts(self.load("shipment", rows, **options))

    def asked(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.connect(address=self.address) as link, link.cursor() as cursor:
            cursor.execute(query, values or None)
            return cursor.fetchall()

    def execute(self, statement: str, *values: Any) -> None:
        with connection.connect(address=self.address) as link, link.cursor() as cursor:
            cursor.execute(statement, values or None)

    def journeys(self, number: str = "LC0001") -> list[tuple[Any, ...]]:
        """(order, events' milestones in time, is finished) of each use of a number, in the order of time."""
        return self.asked(
            "SELECT shipment.order_id, "
            "(SELECT array_agg(milestone ORDER BY occurred_at) FROM core.tracking_event AS event "
            "WHERE event.shipment_id = known.shipment_id), known.finished_at IS NOT NULL "
            "FROM core.shipment_number AS known JOIN core.shipment AS shipment USING (shipment_id) "
            "WHERE known.tracking_number = %s ORDER BY known.opened_at",
            number,
        )

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """What the tables say, without surrogate keys, to compare two ways to the same state."""
        by_number = "JOIN core.shipment_number AS known USING (shipment_id)"
        number = "known.carrier, known.tracking_number, known.epoch"
        return {
            "event": self.asked(
                f"SELECT {number}, reported_at, event_hash, description, milestone, city, occurred_at, "
                f"withdrawn_at IS NULL FROM core.tracking_event {by_number} ORDER BY 1, 2, 3, 4, 5"
            ),
            "number": self.asked(
                f"SELECT {number}, first_event_at, last_event_at, finished_at FROM core.shipment_number AS known "
                "ORDER BY 1, 2, 3"
            ),
            "shipment": self.asked(
                f"SELECT {number}, order_id, service, ordered_at, shipped_at, delivered_at, attributes "
                f"FROM core.shipment {by_number} ORDER BY 1, 2, 3"
            ),
        }


def counts(result: Reconciliation) -> tuple[int, int, int]:
    """(loaded, duplicate, quarantined), after checking that nothing vanished."""
    assert result.received == result.loaded + result.duplicate + result.quarantined
    return result.loaded, result.duplicate, result.quarantined
