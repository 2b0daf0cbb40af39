"""Files with bad rows, and a way to import, look at and replay them: for the quarantine's tests."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lanecast import pipeline
from lanecast.quarantine import replay as replays
from lanecast.quarantine.selection import Selection
from lanecast.warehouse import connection
from lanecast.warehouse.load import Reconciliation
from lanecast.warehouse.runs import Run

HEADERS = {
    "shipments": "order_id,tracking_number,carrier,destination_country,ordered_at,shipped_at,delivered_at,weight",
    "events": "carrier,tracking_number,occurred_at,code,description,country,region,city,milestone",
    "orders": "order_id,customer_id,ordered_at,status,currency,product_id,quantity,unit_price",
    "interactions": "customer_id,product_id,kind,occurred_at,quantity,value,order_id",
}


@dataclass
class Quarantine:
    """Imports and replays; each is a run of its own."""

    address: str
    folder: Path
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def import_(self, dataset: str, *lines: str, name: str | None = None) -> Reconciliation:
        """`name` is for a file that comes again; each is another else."""
        number = next(self.numbers)
        path = self.folder / (name or f"{dataset}-{number}.csv")
        path.write_text("\n".join([HEADERS[dataset], *lines, ""]), encoding="utf-8")
        run = pipeline.open_import(f"import-{number}", dataset, str(path), address=self.address)
        return self.carry_out(run)[0]

    def carry_out(self, run: Run) -> list[Reconciliation]:
        pipeline.stage(run, self.address)
        pipeline.judge(run, self.address)
        return pipeline.load(run, self.address)

    def replay(self, **chosen: Any) -> dict[str, tuple[int, int, int, int]]:
        """received, loaded, duplicate, quarantined, by dataset"""
        run_id = f"quarantine-{next(self.numbers)}"
        outlook = replays.prepare(run_id, Selection(**chosen), self.address)
        results = pipeline.load(outlook.run, self.address)
        told = {one.dataset: (one.received, one.loaded, one.duplicate, one.quarantined) for one in results}
        for received, *parts in told.values():
            assert received == sum(parts)
        return told

    def patch(self, *changes: dict[str, Any]) -> str:
        path = self.folder / f"patch-{next(self.numbers)}.jsonl"
        path.write_text("".join(json.dumps(change, ensure_ascii=False) + "\n" for change in changes), encoding="utf-8")
        return str(path)

    def asked(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.connect(address=self.address) as link, link.cursor() as cursor:
            cursor.execute(query, values or None)
            return cursor.fetchall()

    def execute(self, statement: str, *values: Any) -> None:
        with connection.connect(address=self.address) as link, link.cursor() as cursor:
            cursor.execute(statement, values or None)

    def rows(self) -> list[tuple[Any, ...]]:
        """id, rule, status, times seen, replays, superseded_by"""
        return self.asked(
            "SELECT quarantined_row_id, rule, status, times_seen, replays, superseded_by "
            "FROM quality.quarantined_row ORDER BY 1"
        )
