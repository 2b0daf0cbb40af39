"""A replay of quarantined rows: opened, staged and judged, which changes nothing; then carried out, or forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from lanecast import pipeline
from lanecast.quarantine.selection import KIND, Selection, open_replay
from lanecast.quarantine.stage import batches
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import staging
from lanecast.warehouse.runs import Run


@dataclass
class Outlook:
    """What the gate says of a replay that is staged and judged."""

    run: Run
    chosen: dict[str, int] = field(default_factory=dict)
    """Quarantined rows taken, by dataset."""
    received: dict[str, int] = field(default_factory=dict)
    """Rows staged, by dataset: a parcel that can be read again comes back as all its events."""
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    """Rows that a rule rejects, by dataset and rule."""
    stopped: list[str] = field(default_factory=list)
    """Batch rules that would hold back a whole batch."""

    @property
    def passing(self) -> int:
        """Rows staged that no rule rejects."""
        return sum(self.received.values()) - sum(sum(rules.values()) for rules in self.rejected.values())

    def as_dict(self) -> dict[str, Any]:
        """The outlook as plain values."""
        told = asdict(self)
        return {"run_id": told.pop("run").get("run_id")} | told | {"passing": self.passing}


def prepare(run_id: str, selection: Selection, address: str | None = None) -> Outlook:
    """Opens, stages and judges a replay, and tells what would become of the rows. Nothing is changed yet.

    Raises QuarantineError for what can't be used, NothingToReplay where no open row is chosen.
    """
    run = open_replay(run_id, selection, address=address)
    pipeline.stage(run, address)
    pipeline.judge(run, address)
    return outlook(run, address)


def outlook(run: Run, address: str | None = None) -> Outlook:
    """What the gate's verdict on a replay says."""
    told = Outlook(run)
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT dataset, count(*) FROM quality.replayed_row WHERE run_id = %s GROUP BY dataset", (run.run_id,)
        )
        told.chosen = dict(cursor.fetchall())
        for batch in batches(run):
            told.received[batch.dataset] = staging.staged_rows(link, batch)
            cursor.execute(
                f"SELECT rule, severity, count(*) FROM {batch.rejected} GROUP BY rule, severity ORDER BY 3 DESC, 1"  # noqa: S608
            )
            found = cursor.fetchall()
            told.rejected[batch.dataset] = {rule: rows for rule, _, rows in found}
            told.stopped += [rule for rule, severity, _ in found if severity == "batch"]
    return told


def agree(run: Run, address: str | None = None) -> None:
    """Notes that the replay is to be carried out: one that is cut off from here on is finished by the next."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("UPDATE ops.run SET params = params || '{\"agreed\": true}' WHERE run_id = %s", (run.run_id,))


def forget(run: Run, address: str | None = None) -> None:
    """Leaves nothing of a replay that is not to be carried out."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        for batch in batches(run):
            staging.drop(link, batch)
        for table in ("quality.validation_result", "quality.replayed_row", "ops.run"):
            cursor.execute(f"DELETE FROM {table} WHERE run_id = %s", (run.run_id,))  # noqa: S608, named above


@contextmanager
def in_hand(run_id: str, address: str | None = None) -> Iterator[bool]:
    """Holds a run's lock for the block, as the process that works on it: False where another process has it."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('lanecast run'), hashtext(%s))", (run_id,))
        row = cursor.fetchone()
        yield bool(row and row[0])


def finish_what_was_cut_off(address: str | None = None) -> list[str]:
    """Ends the terminal's replays that were killed: what was agreed to is loaded, the rest forgotten. Returns their ids
    where something was loaded."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT run_id FROM ops.run WHERE kind = %s AND finished_at IS NULL AND params ? 'terminal' ORDER BY 1",
            (KIND,),
        )
        cut_off = [row[0] for row in cursor.fetchall()]
    loaded = []
    for run_id in cut_off:
        with in_hand(run_id, address) as is_ours:
            if not is_ours:
                continue
            run = pipeline.find_run(run_id, address)
            if run.params.get("agreed"):
                pipeline.load(run, address)
                loaded.append(run_id)
            else:
                forget(run, address)
    return loaded
