"""The way of every load, whatever its source: stage, judge, load. Each step can be done again after a crash.

A run knows from the ledger (ops.run) what it loads and from where, so that any step can make good an earlier one whose
staging tables did not outlive the server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from psycopg2.extensions import cursor as Cursor

from lanecast.alerts import runs as alerts
from lanecast.customers.agreement import agreed_secret
from lanecast.files import importing
from lanecast.files.errors import FileError
from lanecast.files.streams import Progress
from lanecast.files.targets import TARGETS
from lanecast.follow import polling, stored
from lanecast.follow import stage as follow
from lanecast.quarantine import stage as quarantine
from lanecast.report import files as report_files
from lanecast.storefronts import watermarks
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import load as loading
from lanecast.warehouse import runs, staging
from lanecast.warehouse.load import AfterMerge, Reconciliation
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch, StagingLost
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)


class BatchStopped(RuntimeError):
    """A batch rule stopped the batch: all of it is in the quarantine, nothing was loaded."""


@dataclass(frozen=True)
class Source:
    """Where a kind of run takes its rows from."""

    batches: Callable[[Run], tuple[Batch, ...]]
    stage: Callable[[Run, str | None, Progress | None], dict[str, int]]
    after_merge: Mapping[str, AfterMerge] = field(default_factory=dict)
    """By dataset: what ends its load, in the same transaction."""


def _one_batch(run: Run) -> tuple[Batch, ...]:
    return (Batch(run.run_id, run.dataset),)


def _stage_answers(run: Run, address: str | None, progress: Progress | None) -> dict[str, int]:
    return follow.stage(run, address)


def _stage_replay(run: Run, address: str | None, progress: Progress | None) -> dict[str, int]:
    return {run.dataset: stored.stage(run, address).received}


def _stage_file(run: Run, address: str | None, progress: Progress | None) -> dict[str, int]:
    (batch,) = _one_batch(run)
    told = run.params
    with warehouse.connect(as_of=run.as_of, address=address) as link:
        staging.create(link, batch)
        copied = importing.stage_file(link, batch, told["dataset"], told["path"], told["mapping"], progress)
        staging.seal(link, batch, copied.received, copied.source_count)
    return {batch.dataset: copied.received}


def _stage_quarantined(run: Run, address: str | None, progress: Progress | None) -> dict[str, int]:
    return quarantine.stage(run, address)


def _storefront_batches(run: Run) -> tuple[Batch, ...]:
    from lanecast.storefronts import stage as storefront

    return storefront.batches(run)


def _stage_storefront(run: Run, address: str | None, progress: Progress | None) -> dict[str, int]:
    from lanecast.storefronts import stage as storefront

    return storefront.stage(run, address)


def _end_pull(cursor: Cursor, run: Run) -> None:
    staged = Batch(run.run_id, "tracking_event").staged
    cursor.execute(
        statement("watch/feed_hour", staged=staged),
        {"run_id": run.run_id, "run_number": run.number, "as_of": run.as_of},
    )
    polling.replan_all(cursor, run)


SOURCES: dict[str, Source] = {
    "pull": Source(follow.batches, _stage_answers, {"tracking_event": _end_pull}),
    "import": Source(_one_batch, _stage_file),
    "replay": Source(stored.batches, _stage_replay),
    "quarantine": Source(quarantine.batches, _stage_quarantined),
    "storefront": Source(_storefront_batches, _stage_storefront, watermarks.AFTER_MERGE),
}


def find_run(run_id: str, address: str | None = None) -> Run:
    """The run of that id, from the ledger."""
    with warehouse.connect(address=address) as link:
        return runs.find(link, run_id)


def open_import(
    run_id: str,
    dataset: str,
    path: str,
    mapping: str | None = None,
    as_of: datetime | None = None,
    address: str | None = None,
) -> Run:
    """Opens the run of a file's import. Raises FileError where file, header or mapping can't be used, CustomerKeyError
    where it names customers and there is no secret for their keys, or another than before."""
    target = TARGETS.get(dataset)
    if target is None:
        raise FileError(f"no dataset is called {dataset!r}: files can hold {', '.join(TARGETS)}")
    with importing.open_rows(dataset, path, mapping):
        pass  # a file that can't be read should be refused before anything is written
    if target.staged in staging.NAMES_CUSTOMERS:
        agreed_secret(address)
    params = {"dataset": dataset, "path": path, "mapping": mapping}
    with warehouse.connect(as_of=as_of, address=address) as link:
        return runs.open_run(link, run_id, "import", target.staged, path, params, as_of)


def stage(run: Run, address: str | None = None, progress: Progress | None = None) -> dict[str, int]:
    """Fills the run's staging tables; returns the rows received per dataset."""
    with runs.step(run.run_id, "stage", address):
        return _stage(run, address, progress)


def _stage(run: Run, address: str | None, progress: Progress | None = None) -> dict[str, int]:
    source = SOURCES[run.kind]
    if staging.NAMES_CUSTOMERS & {batch.dataset for batch in source.batches(run)}:
        agreed_secret(address)  # with another secret, known customers would come as strangers
    return source.stage(run, address, progress)


def judge(run: Run, address: str | None = None) -> None:
    """Holds the staged rows against their contracts; the verdict lies beside them."""
    from lanecast.contracts import gate

    _ensure_staged(run, address)
    with runs.step(run.run_id, "validate", address):
        for verdict in gate.judge_all(run, SOURCES[run.kind].batches(run), address):
            log.info("%s", verdict)


def load(run: Run, address: str | None = None) -> list[Reconciliation]:
    """Loads the judged batches, in their order; returns what became of the rows.

    Raises BatchStopped, after the quarantine is written, where a batch rule stopped one of them.
    """
    results: list[Reconciliation] = []
    source = SOURCES[run.kind]
    with runs.step(run.run_id, "load", address):
        for batch in source.batches(run):
            after_merge = source.after_merge.get(batch.dataset)
            try:
                results.append(loading.load(run, batch, address, after_merge))
            except StagingLost as lost:
                log.warning("%s: staging and judging again", lost)
                stage(run, address)
                judge(run, address)
                run = find_run(run.run_id, address)  # staging notes which stored answers could not be read
                results.append(loading.load(run, batch, address, after_merge))
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        for batch in SOURCES[run.kind].batches(run):
            staging.drop(link, batch)
        cursor.execute(
            "SELECT dataset, rule FROM quality.validation_result "
            "WHERE run_id = %s AND severity = 'batch' AND NOT passed AND details -> 'waived' IS NULL ORDER BY 1, 2",
            (run.run_id,),
        )
        stopped = cursor.fetchall()
        alerts.loaded(cursor, run, stopped)
        runs.finish(link, run.run_id, "stopped" if stopped else "loaded")
    report_files.keep(run.run_id, lambda: address or warehouse.dsn())
    if stopped:
        raise BatchStopped(
            f"run {run.run_id} was stopped by {', '.join(f'{rule} ({dataset})' for dataset, rule in stopped)}: "
            "its rows are in quality.quarantined_row, nothing of them was loaded"
        )
    return results


def _ensure_staged(run: Run, address: str | None) -> None:
    try:
        with warehouse.connect(address=address) as link:
            for batch in SOURCES[run.kind].batches(run):
                staging.staged_rows(link, batch)
    except StagingLost as lost:
        log.warning("%s: staging again", lost)
        _stage(run, address)
