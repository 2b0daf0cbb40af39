"""The gate: staged rows are held against their contract before anything reaches `core`.

Reads <staged>, fills <staged>_rejected and quality.validation_result. The load then carries the verdict out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg2.extras
from psycopg2 import sql

from lanecast.contracts import routing
from lanecast.contracts.engine import Relation
from lanecast.contracts.reader import Contract, Rule, contract, reason_parts
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import COLUMNS, JUDGED_COLUMNS, Batch

if TYPE_CHECKING:
    from lanecast.contracts.engine import Finding, Judge

_ALWAYS_SHOWN = ("staged_row", "source_line")


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one batch."""

    batch: Batch
    rows: int
    """Rows checked."""
    rejected: dict[str, int]
    """Rows rejected, by the rule that claimed them; rules that claimed none are not in it."""
    failed: dict[str, int]
    """Rows that break a rule, by rule, also where an earlier rule claimed them."""
    stopped: str | None
    """The batch rule that holds back the whole batch, if one does."""
    warnings: tuple[str, ...]
    """The `warn` rules that are broken."""


def judge(run: Run, batch: Batch, address: str | None = None) -> Verdict:
    """Judges one batch; the staged rows must be committed. Judging again gives the same verdict.

    A batch rule that the run's parameter `waive` names is judged and recorded, and stops nothing.

    Raises ContractError for a contract that can't be used, and RuleBroken for a rule that can't be judged.
    """
    return judge_all(run, [batch], address)[0]


def judge_all(run: Run, batches: Iterable[Batch], address: str | None = None) -> list[Verdict]:
    """Judges several batches of one run over one Great Expectations context, in the order given."""
    from lanecast.contracts.engine import opened

    address = address or warehouse.dsn()
    told = [(batch, contract(batch.dataset)) for batch in batches]
    with opened(address, run.as_of) as court:
        return [judge_by(court, run, batch, terms, address) for batch, terms in told]


def judge_by(court: Judge, run: Run, batch: Batch, terms: Contract, address: str) -> Verdict:
    """Judges one batch by a contract, over a context that is open already."""
    with warehouse.connect(address=address, as_of=run.as_of) as link:
        routing.clear(link, batch)
        with link.cursor() as cursor:
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*batch.staged.split("."))))
    # what comes back from quarantine is judged as the kind of run that it came by
    kinds, waived = {None, run.kind, *run.params.get("judged_as", ())}, set(run.params.get("waive", ()))
    meant = [rule for rule in terms.rules if rule.only_for in kinds and not (rule.only_for and rule.name in waived)]
    at_once, later = _by_time(meant)
    findings = _findings(court, run, batch, at_once)
    with warehouse.connect(address=address, as_of=run.as_of) as link:
        routing.hurry(link)
        claimed = {
            finding.rule.name: routing.reject(link, batch, terms, finding)
            for finding in findings
            if finding.rule.severity == "row" and not finding.passed
        }
        staged = Relation(batch.dataset, batch.staged, _ALWAYS_SHOWN)
        # of what comes back, only a batch that was stopped as a whole can be stopped again: bad rows tell no share
        rejected = routing.once_stopped(link, batch) if run.kind == "quarantine" else sum(claimed.values())
        findings += court.findings(staged, later, run.as_of, rejected=rejected)
        stopper = next((found for found in findings if _stops(found) and found.rule.name not in waived), None)
        if stopper is not None:
            claimed = {stopper.rule.name: routing.reject_all(link, batch, stopper)}
        _record(link, run, batch, findings, claimed, waived)
    return Verdict(
        batch=batch,
        rows=findings[0].rows if findings else 0,
        rejected={name: rows for name, rows in claimed.items() if rows},
        failed={found.rule.name: found.failed for found in findings},
        stopped=stopper.rule.name if stopper else None,
        warnings=tuple(found.rule.name for found in findings if found.rule.severity == "warn" and not found.passed),
    )


def _stops(found: Finding) -> bool:
    return found.rule.severity == "batch" and not found.passed


def _findings(court: Judge, run: Run, batch: Batch, rules: list[Rule]) -> list[Finding]:
    """Judges plain rules on the staged table, in parallel; those that ask for more, on its view, in one sort."""
    columns = JUDGED_COLUMNS[batch.dataset]
    around = re.compile(rf"\b({'|'.join(columns)})\b" if columns else r"(?!)")
    wider = [rule for rule in rules if around.search(f"{rule.implementation.kwargs} {rule.reason}")]
    plain = [rule for rule in rules if rule not in wider]
    found = court.findings(Relation(batch.dataset, batch.staged, _shown(batch, plain)), plain, run.as_of)
    found += court.findings(Relation(batch.dataset, batch.judged, _ALWAYS_SHOWN), wider, run.as_of)
    return sorted(found, key=lambda finding: rules.index(finding.rule))


def _shown(batch: Batch, rules: list[Rule]) -> tuple[str, ...]:
    """The columns by which rejected rows are told: those that the reasons name."""
    named = {text for rule in rules for text, is_column in reason_parts(rule.reason) if is_column}
    return (*_ALWAYS_SHOWN, *(column for column in COLUMNS[batch.dataset] if column in named - set(_ALWAYS_SHOWN)))


def _by_time(rules: list[Rule]) -> tuple[list[Rule], list[Rule]]:
    from lanecast.contracts.suite import AFTER_ROUTING

    later = [rule for rule in rules if rule.implementation.type in AFTER_ROUTING]
    return [rule for rule in rules if rule not in later], later


def _record(
    link: Connection, run: Run, batch: Batch, findings: list[Finding], claimed: dict[str, int], waived: set[str]
) -> None:
    rows = [
        (
            *(run.run_id, batch.dataset, found.rule.name, found.rule.severity, found.rule.implementation.type),
            *(found.rows, found.failed, found.passed),
            psycopg2.extras.Json(
                {"rejected": claimed.get(found.rule.name, 0), "expects": found.rule.description}
                | ({"waived": True} if found.rule.name in waived and found.rule.severity == "batch" else {})
            ),
            run.as_of,
        )
        for found in findings
    ]
    with link.cursor() as cursor:
        cursor.execute(
            "DELETE FROM quality.validation_result WHERE run_id = %s AND dataset = %s", (run.run_id, batch.dataset)
        )
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO quality.validation_result (run_id, dataset, rule, severity, expectation, rows_checked, "
            "rows_failed, passed, details, validated_at) VALUES %s",
            rows,
        )
