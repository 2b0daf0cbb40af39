"""Every defect of the catalogue is caught by the rule meant for it, and by that alone; clean data by none."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from defects import AS_OF, CATALOGUE, CLEAN, MENDED, Record

from lanecast import pipeline
from lanecast.contracts import gate
from lanecast.contracts.engine import Finding, Relation, opened
from lanecast.contracts.reader import contract
from lanecast.files.targets import TARGETS
from lanecast.warehouse import connection
from lanecast.warehouse.staging import Batch

CLEAN_ENTITIES = range(1, 201)
FIRST_DEFECT = 1001
FIRST_MENDED = 5001
ENTITIES = [*CLEAN_ENTITIES, *range(FIRST_DEFECT, FIRST_DEFECT + len(CATALOGUE))]


class Imported:
    """A file judged and loaded: the rule that claimed each of its lines, and the rows that break each rule."""

    def __init__(self, address: str, folder: Path, dataset: str, rows: list[Record], run_id: str) -> None:
        path = folder / f"{run_id}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(CLEAN[dataset](1)[0]))
            writer.writeheader()
            writer.writerows(rows)
        run = pipeline.open_import(run_id, dataset, str(path), as_of=AS_OF, address=address)
        pipeline.stage(run, address)
        batch = Batch(run_id, TARGETS[dataset].staged)
        self.verdict = gate.judge(run, batch, address)
        with connection.connect(address=address) as link, link.cursor() as cursor:
            cursor.execute(f"SELECT staged_row, rule FROM {batch.rejected}")
            self.claimed: dict[int, str] = {staged_row - 1: rule for staged_row, rule in cursor.fetchall()}
            self.warned = {
                (staged_row - 1, finding.rule.name)
                for finding in self._warnings(address, batch)
                for (staged_row,) in self._rows(cursor, f"SELECT staged_row FROM ({finding.index_query}) AS failing")
                if staged_row - 1 not in self.claimed
            }
        (self.reconciled,) = pipeline.load(run, address)

    @staticmethod
    def _warnings(address: str, batch: Batch) -> list[Finding]:
        rules = [rule for rule in contract(batch.dataset).rules if rule.severity == "warn" and rule.only_for != "pull"]
        with opened(address, AS_OF) as court:
            return court.findings(Relation(batch.dataset, batch.judged, ("staged_row",)), rules, AS_OF)

    @staticmethod
    def _rows(cursor: Any, query: str) -> list[tuple[int]]:
        cursor.execute(query)
        found: list[tuple[int]] = cursor.fetchall()
        return found


@pytest.fixture
def imported(warehouse: str, tmp_path: Path) -> dict[str, Imported]:
    """A clean world, loaded: all datasets of files, also of the entities that go wrong later."""
    found = {}
    for dataset, rows_of in CLEAN.items():
        # what is to be spoilt is registered, but nothing of it has happened yet
        entities = ENTITIES if dataset in ("orders", "shipments") else CLEAN_ENTITIES
        rows = [
            row for entity in [*entities, *range(FIRST_MENDED, FIRST_MENDED + len(MENDED))] for row in rows_of(entity)
        ]
        found[dataset] = Imported(warehouse, tmp_path, dataset, rows, f"clean-{dataset}")
    return found


def test_clean_data_breaks_no_rule(imported: dict[str, Imported]) -> None:
    for dataset, told in imported.items():
        broken = {rule: rows for rule, rows in told.verdict.failed.items() if rows}
        assert (dataset, broken, told.verdict.warnings) == (dataset, {}, ())
        assert told.verdict.rejected == {}
        assert told.verdict.rows == told.reconciled.received > 200
        assert (told.reconciled.quarantined, told.reconciled.duplicate) == (0, 0)


def test_each_defect_is_caught_by_the_rule_meant_for_it(
    warehouse: str, tmp_path: Path, imported: dict[str, Imported]
) -> None:
    assert len(CATALOGUE) >= 40
    assert imported
    missed: list[str] = []
    false_alarms: list[str] = []
    judged = 0
    for dataset in CLEAN:
        rows: list[Record] = []
        owner: list[str | None] = []
        for entity, defect in enumerate(CATALOGUE, start=FIRST_DEFECT):
            if defect.dataset != dataset:
                continue
            told = CLEAN[dataset](entity)
            defect.change(told)
            rows += told
            owner += [defect.name] * len(told)
        for entity in CLEAN_ENTITIES:
            rows += CLEAN[dataset](entity)
            owner += [None] * len(CLEAN[dataset](entity))
        found = Imported(warehouse, tmp_path, dataset, rows, f"spoilt-{dataset}")
        judged += len(rows)
        claims: dict[str | None, Counter[str]] = {}
        for line, rule in [*found.claimed.items(), *found.warned]:
            claims.setdefault(owner[line], Counter())[rule] += 1
        for defect in CATALOGUE:
            if defect.dataset != dataset:
                continue
            told_by = claims.pop(defect.name, Counter())
            if told_by.pop(defect.rule, 0) != defect.rows:
                missed.append(f"{dataset}: {defect.name}: {defect.rule}")
            false_alarms += [f"{dataset}: {defect.name}: also {other}" for other in told_by]
        false_alarms += [f"{dataset}: {name or 'clean rows'}: {dict(told_by)}" for name, told_by in claims.items()]
        assert found.reconciled.quarantined == len(found.claimed)
        assert found.verdict.stopped is None
    summary = (
        f"{len(CATALOGUE)} kinds of defects among {judged:,} rows: recall "
        f"{1 - len(missed) / len(CATALOGUE):.3f}, {len(false_alarms)} false alarms"
    )
    print(f"\n{summary}")
    assert not missed + false_alarms, "\n".join([summary, *missed, "false alarms:", *false_alarms])


def test_what_is_read_or_happens_is_no_defect(warehouse: str, tmp_path: Path, imported: dict[str, Imported]) -> None:
    assert imported

    def changed(entity: int) -> list[Record]:
        told = CLEAN["events"](entity)
        MENDED[entity - FIRST_MENDED][1](told)
        return told

    rows = [row for entity in range(FIRST_MENDED, FIRST_MENDED + len(MENDED)) for row in changed(entity)]
    found = Imported(warehouse, tmp_path, "events", rows, "mended-events")
    owner = [name for entity, (name, _) in enumerate(MENDED, start=FIRST_MENDED) for _ in changed(entity)]
    assert {owner[line]: rule for line, rule in [*found.claimed.items(), *found.warned]} == {}
    assert not any(found.verdict.failed.values())


def test_the_catalogue_covers_every_rule_that_a_file_can_break() -> None:
    never = {
        "event_without_identity": "parsers and readers give every event a hash",
        "interaction_without_identity": "as above",
        "utc_offset_out_of_range": "the reader refuses such a time: unreadable_value",
        "tz_known_unknown": "readers and parsers name it",
        "event_too_old": "pulls alone",
        "order_of_another_shop": "storefronts alone: tests/integration/test_gate.py",
        "code_unmapped": "a file names its milestones",
        "zone_assumed": "of naive times; a share of them is allowed",
        "clocks_disagree": "answers alone",
        "clock_contradicts_itself": "the reader reckons one from the other",
        "carrier_malformed": "the reader refuses such a carrier: unreadable_value",
        "milestone_unknown": "the reader refuses such a milestone: unreadable_value",
        "quantity_not_a_number": "the reader refuses such a number: unreadable_value",
        "price_not_a_number": "as above",
        "value_not_a_number": "as above",
        "stock_not_a_number": "as above",
        "mostly_bad": "of whole batches: tests/integration/test_gate.py",
    }
    told = {(defect.dataset, defect.rule) for defect in CATALOGUE}
    told.add(("orders", "changed_in_future"))  # files do not tell when an order changed
    for dataset in CLEAN:
        rules = {rule.name for rule in contract(TARGETS[dataset].staged).rules} - set(never)
        assert rules <= {rule for name, rule in told if name == dataset}


def test_names_are_told_once() -> None:
    for dataset in CLEAN:
        told = [defect.name for defect in CATALOGUE if defect.dataset == dataset]
        assert len(set(told)) == len(told)
