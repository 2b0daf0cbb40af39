"""Which quarantined rows a replay takes through the gate again: chosen, mended and claimed when its run is opened.

The choice lies in quality.replayed_row, so that each attempt of the run takes the same rows, however many they are, and
the patch file is not needed again.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import psycopg2.extras

from lanecast.contracts.reader import contract
from lanecast.quarantine.errors import NothingToReplay, QuarantineError
from lanecast.quarantine.mending import mend
from lanecast.quarantine.patches import Patch, read_patches
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import runs
from lanecast.warehouse.connection import Connection, only_row
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import COLUMNS
from lanecast.warehouse.statements import statement

KIND = "quarantine"
_PATCHES_AT_ONCE = 1000
_LOAD_ORDER = ("shipment", "tracking_event", "product", "order_line", "interaction")
_MOST_NAMED = 10


@dataclass(frozen=True)
class Selection:
    """What is asked for. Conditions narrow each other; a patch alone chooses the rows that it names."""

    ids: tuple[int, ...] = ()
    dataset: str | None = None
    rule: str | None = None
    run_id: str | None = None
    origin: Literal["pull", "file"] | None = None
    """Rows that came in carriers' answers, or in files: rules may differ between them."""
    patch: str | None = None
    waive: tuple[str, ...] = field(default=())
    """Rules not to be held against the rows: batch rules, and those about one way that rows come."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is chosen."""
        return not (self.ids or self.dataset or self.rule or self.run_id or self.patch)


def open_replay(
    run_id: str,
    selection: Selection,
    params: dict[str, Any] | None = None,
    as_of: datetime | None = None,
    address: str | None = None,
) -> Run:
    """Opens the run of a replay, or finds the one opened before under that id; one transaction.

    Raises QuarantineError for ids, patches or rules that can't be used, NothingToReplay where no open row is chosen.
    """
    if selection.is_empty:
        raise QuarantineError("choose rows: by id, --dataset, --rule, --run, or a patch that names them")
    with warehouse.connect(as_of=as_of, address=address) as link, link.cursor() as cursor:
        # Two replays that are opened at once don't choose the same rows: the second sees what the first has claimed.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lanecast quarantine'))")
        cursor.execute("SELECT FROM ops.run WHERE run_id = %s", (run_id,))
        if cursor.fetchone() is not None:
            return runs.open_run(link, run_id, KIND, "")
        _choose(link, run_id, selection)
        cursor.execute(
            "SELECT dataset, count(*) FROM quality.replayed_row WHERE run_id = %s GROUP BY dataset", (run_id,)
        )
        chosen: dict[str, int] = dict(cursor.fetchall())
        if not chosen:
            raise NothingToReplay(_why_nothing(link, selection))
        datasets = [name for name in _LOAD_ORDER if name in chosen]
        kinds = _judged_as(link, run_id, datasets, selection)
        _check_waived(datasets, selection)
        told = {"datasets": datasets, "judged_as": kinds, "waive": list(selection.waive), **_asked(selection)}
        return runs.open_run(link, run_id, KIND, datasets[0], "quarantine", told | (params or {}), as_of)


def _asked(selection: Selection) -> dict[str, Any]:
    told = {"dataset": selection.dataset, "rule": selection.rule, "run": selection.run_id, "origin": selection.origin}
    return {"selection": {name: value for name, value in told.items() if value}, "patched": bool(selection.patch)}


def _choose(link: Connection, run_id: str, selection: Selection) -> None:
    if selection.dataset is not None and selection.dataset not in COLUMNS:
        raise QuarantineError(f"no dataset is called {selection.dataset!r}: there are {', '.join(COLUMNS)}")
    with link.cursor() as cursor:
        if selection.ids:
            _check_open(link, list(selection.ids))
        if selection.ids or selection.dataset or selection.rule or selection.run_id:
            cursor.execute(
                statement("quarantine/choose"),
                {
                    "run_id": run_id,
                    "ids": list(selection.ids) or None,
                    "dataset": selection.dataset,
                    "rule": selection.rule,
                    "chosen_run": selection.run_id,
                    "origin": selection.origin,
                },
            )
        if selection.patch is not None:
            alone = not (selection.ids or selection.dataset or selection.rule or selection.run_id)
            for chunk in _chunks(read_patches(selection.patch)):
                _mend(link, run_id, chunk, alone)


def _chunks(patches: Iterator[Patch]) -> Iterator[list[Patch]]:
    while chunk := list(itertools.islice(patches, _PATCHES_AT_ONCE)):
        yield chunk


def _mend(link: Connection, run_id: str, chunk: list[Patch], alone: bool) -> None:
    ids = [patch.quarantined_row_id for patch in chunk]
    _check_open(link, ids)
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT quarantined_row_id, dataset, row_data::text FROM quality.quarantined_row "
            "WHERE quarantined_row_id = ANY(%s)",
            (ids,),
        )
        rows = {row_id: (dataset, json.loads(data, parse_float=Decimal)) for row_id, dataset, data in cursor.fetchall()}
        mended = []
        for patch in chunk:
            dataset, data = rows[patch.quarantined_row_id]
            try:
                set_columns = mend(dataset, data, patch.values)
            except QuarantineError as error:
                raise QuarantineError(f"patch line {patch.line}, row {patch.quarantined_row_id}: {error}") from None
            told = json.dumps(set_columns)
            mended.append((run_id, patch.quarantined_row_id, dataset, told, data.get("raw_answer_id")))
        if alone:
            psycopg2.extras.execute_values(
                cursor,
                "INSERT INTO quality.replayed_row (run_id, quarantined_row_id, dataset, patch, raw_answer_id) "
                "VALUES %s",
                mended,
                page_size=_PATCHES_AT_ONCE,
            )
            return
        found = psycopg2.extras.execute_values(
            cursor,
            "UPDATE quality.replayed_row AS chosen SET patch = told.patch::jsonb "
            "FROM (VALUES %s) AS told (run_id, quarantined_row_id, dataset, patch, raw_answer_id) "
            "WHERE chosen.run_id = told.run_id AND chosen.quarantined_row_id = told.quarantined_row_id "
            "RETURNING chosen.quarantined_row_id",
            mended,
            page_size=_PATCHES_AT_ONCE,
            fetch=True,
        )
        if stray := sorted(set(ids) - {row[0] for row in found}):
            raise QuarantineError(f"the patch mends rows that are not chosen: {_named(stray)}")


def _check_open(link: Connection, ids: list[int]) -> None:
    """Raises QuarantineError for ids that are none, or whose rows are not open, or in another replay at the moment."""
    with link.cursor() as cursor:
        cursor.execute(statement("quarantine/not_open"), {"ids": ids})
        found = cursor.fetchall()
    unknown = [row_id for row_id, status, _ in found if status is None]
    if unknown:
        raise QuarantineError(f"no quarantined row has the number {_named(unknown)}: see `lanecast quarantine list`")
    if found:
        row_id, status, run_id = found[0]
        if status == "open":
            raise QuarantineError(f"row {row_id} is being replayed by run {run_id}: wait for it")
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise QuarantineError(f"row {row_id}{others} is {status}, not open: only open rows can be replayed")


def _named(ids: list[int]) -> str:
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return ", ".join(map(str, ids[:_MOST_NAMED])) + more


def _why_nothing(link: Connection, selection: Selection) -> str:
    with link.cursor() as cursor:
        values = {"dataset": selection.dataset, "rule": selection.rule, "run_id": selection.run_id, "since": None}
        cursor.execute(statement("quarantine/overview"), values | {"status": "open"})
        open_rows = sum(row[3] for row in cursor.fetchall())
    if open_rows and selection.origin is not None:
        return f"none of the {open_rows} open rows that fit came by {selection.origin}, or a replay has them in hand"
    if open_rows:
        return f"a replay has the {open_rows} open rows that fit in hand at the moment: try again later"
    return "no open row fits: see `lanecast quarantine list`"


def _judged_as(link: Connection, run_id: str, datasets: list[str], selection: Selection) -> list[str]:
    """The kinds of run whose own rules hold for the chosen rows: those of pulls for rows that came in answers. Those of
    storefronts are about rows of which one told, and say nothing of others."""
    shops = ["storefront"] if {"order_line", "shipment"} & set(datasets) else []
    if "tracking_event" not in datasets:
        return shops
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(bad.raw_answer_id IS NOT NULL), bool_or(bad.raw_answer_id IS NULL) "
            "FROM quality.replayed_row AS chosen "
            "JOIN quality.quarantined_row AS bad USING (quarantined_row_id) "
            "WHERE chosen.run_id = %s AND chosen.dataset = 'tracking_event'",
            (run_id,),
        )
        from_answers, from_files = only_row(cursor)
    particular = [rule.name for rule in contract("tracking_event").rules if rule.only_for == "pull"]
    if from_answers and from_files and set(particular) - set(selection.waive):
        raise QuarantineError(
            f"the chosen events came in answers and in files, and {', '.join(particular)} is about answers alone: "
            "choose --origin pull or --origin file"
        )
    return [*shops, "pull"] if from_answers else shops


def _check_waived(datasets: list[str], selection: Selection) -> None:
    rules = [rule for name in datasets for rule in contract(name).rules]
    may = sorted({rule.name for rule in rules if rule.severity == "batch" or rule.only_for is not None})
    for name in selection.waive:
        if name not in may:
            raise QuarantineError(
                f"{name} can't be waived: {', '.join(may) or 'no rule'} can, for they are not about a row alone. "
                "Mend the rows that break a row rule, or change the rule"
            )
