"""What a step of a run read and wrote, found out from the warehouse once the step is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lanecast import settings
from lanecast.lineage import datasets
from lanecast.lineage.datasets import LOADS, ROLES, Dataset, Warehouse
from lanecast.storefronts.asking import raw_folder
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import runs
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.runs import Run

VERDICTS, RECONCILIATION = "quality.validation_result", "quality.reconciliation"
"""A step that writes the first tells what its rules found in what it read; the second, how many rows it loaded."""


@dataclass(frozen=True)
class Verdict:
    """What one rule found in a dataset."""

    rule: str
    expectation: str
    severity: str
    column: str | None
    """The column that the rule is about; None where it is about more than one."""
    expects: str | None
    rows_checked: int
    rows_failed: int
    passed: bool


@dataclass(frozen=True)
class Read:
    """A dataset that was read, and what the rules found in it."""

    dataset: Dataset
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Written:
    """A dataset that was written: how many rows were new, where known, and which staged columns went into it."""

    dataset: Dataset
    rows: int | None = None
    columns_from: tuple[Dataset, ...] = ()


@dataclass(frozen=True)
class Told:
    """What a step read and wrote."""

    reads: list[Read] = field(default_factory=list)
    writes: list[Written] = field(default_factory=list)


def beforehand(reads: Iterable[str], writes: Iterable[str]) -> Told:
    """What is known before a step begins: the tables that it names. The warehouse is not asked."""
    at = Warehouse.at(warehouse.dsn())
    return Told(
        [Read(at.table(name)) for name in reads if name not in ROLES],
        [Written(at.table(name)) for name in writes if name not in ROLES],
    )


def afterwards(reads: Collection[str], writes: Collection[str], run_id: str, source: str | None = None) -> Told:
    """What a step of the run read and wrote. `source` narrows carriers and raw answers to those of one shard."""
    address = warehouse.dsn()
    at = Warehouse.at(address)
    with warehouse.connect(address=address) as link:
        link.set_session(readonly=True)
        run = _run(link, run_id)
        verdicts = _verdicts(link, run_id) if VERDICTS in writes else {}
        loaded = _loaded(link, run_id) if RECONCILIATION in writes else {}
        inputs = [dataset for name in reads for dataset in _datasets(link, at, name, run, source)]
        outputs = [dataset for name in writes for dataset in _datasets(link, at, name, run, source)]
    staged = [dataset for dataset in inputs if dataset.table.startswith("staging.")]
    return Told(
        [Read(dataset, verdicts.get(dataset.bare_name, ())) for dataset in inputs],
        [_written(dataset, loaded, staged) for dataset in outputs],
    )


def _written(dataset: Dataset, loaded: dict[str, int], staged: list[Dataset]) -> Written:
    if not dataset.table.startswith("core."):
        return Written(dataset)
    return Written(
        dataset,
        loaded.get(dataset.bare_name),
        tuple(one for one in staged if dataset.table in LOADS[one.bare_name]),
    )


def _run(link: Connection, run_id: str) -> Run | None:
    try:
        return runs.find(link, run_id)
    except LookupError:
        return None  # a DAG that loads nothing has no row in the ledger


def _datasets(link: Connection, at: Warehouse, name: str, run: Run | None, source: str | None) -> Iterator[Dataset]:
    if name not in ROLES:
        contracted = name.startswith(("core.", "mart."))
        yield at.table(name, () if contracted else datasets.database_columns(link, name))
    elif name == datasets.STOREFRONTS:
        if run is not None and run.kind == "storefront":
            yield datasets.storefront(str(run.source))
    elif name == datasets.RAW and run is not None and run.kind == "storefront":
        yield datasets.raw_store(settings.raw_root(), raw_folder(str(run.source)))
    elif name in {datasets.CARRIERS, datasets.RAW}:
        for one in [source] if source else _sources(link, run):
            yield datasets.carrier(one) if name == datasets.CARRIERS else datasets.raw_store(settings.raw_root(), one)
    elif run is not None and name == datasets.FILE:
        yield _file(run)
    elif run is not None:
        staged = _staged(run)
        if name == datasets.STAGED:
            yield from (at.staged(dataset) for dataset in staged)
        else:
            tables = dict.fromkeys(table for dataset in staged for table in LOADS[dataset])
            yield from (at.table(table) for table in tables)


def _staged(run: Run) -> list[str]:
    from lanecast import pipeline

    source = pipeline.SOURCES.get(run.kind)  # a watch has a run and stages nothing
    return [batch.dataset for batch in source.batches(run)] if source else []


def _file(run: Run) -> Dataset:
    from lanecast.files import importing
    from lanecast.files.errors import FileError

    path = str(run.params["path"])
    try:
        columns = importing.describe(path).columns
    except (FileError, OSError):  # a folder, or gone since
        columns = ()
    return datasets.file(path, columns)


def _sources(link: Connection, run: Run | None) -> list[str]:
    """Who answered in a run, by the index of the raw store."""
    return [] if run is None else [row[0] for row in _rows(link, _ANSWERED, run.run_id)]


_ANSWERED = "SELECT DISTINCT carrier FROM ops.raw_answer WHERE run_id = %s ORDER BY 1"
_FOUND = (
    "SELECT dataset, rule, expectation, severity, details ->> 'expects', rows_checked, rows_failed, passed "
    "FROM quality.validation_result WHERE run_id = %s ORDER BY dataset, rule"
)


def _verdicts(link: Connection, run_id: str) -> dict[str, tuple[Verdict, ...]]:
    from lanecast.contracts.reader import contract

    found: dict[str, tuple[Verdict, ...]] = {}
    columns: dict[str, dict[str, str | None]] = {}
    for dataset, rule, expectation, severity, expects, checked, failed, passed in _rows(link, _FOUND, run_id):
        if dataset not in columns:
            rules = contract(dataset).rules
            columns[dataset] = {one.name: one.implementation.kwargs.get("column") for one in rules}
        column = columns[dataset].get(rule)
        told = Verdict(rule, expectation, severity, column, expects, checked, failed, passed)
        found[dataset] = (*found.get(dataset, ()), told)
    return found


def _loaded(link: Connection, run_id: str) -> dict[str, int]:
    return dict(_rows(link, "SELECT dataset, loaded FROM quality.reconciliation WHERE run_id = %s", run_id))


def _rows(link: Connection, query: str, run_id: str) -> list[tuple[Any, ...]]:
    with link.cursor() as cursor:
        cursor.execute(query, (run_id,))
        return cursor.fetchall()
