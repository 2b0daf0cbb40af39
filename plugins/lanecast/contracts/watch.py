"""The watch: datasets that are not staged are held, as they lie in the warehouse, against their contracts.

One alert per rule and subject that breaks it. A rule tells by custom properties what its alert is: `alert`, the kind;
`subject`, a template as its reason; `calmHours`, for how long it has to hold before the alert ends.
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg2.extras
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from lanecast.alerts import book
from lanecast.contracts.engine import Finding, Relation
from lanecast.contracts.reader import Contract, ContractError, Rule, contract, datasets, reason_parts
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import runs
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)


def watched() -> list[Contract]:
    """The contracts that the watch judges. Raises ContractError where an alert's words would tell of a person."""
    found = [contract(name) for name in datasets()]
    found = [one for one in found if one.rules and not one.is_staged and one.table.physical_type != "function"]
    for one in found:
        told_of = {column.name for column in one.table.properties if column.classification != "none"}
        for rule in one.rules:
            named = {text for template in (rule.reason, _property(rule, "subject", "")) for text in _places(template)}
            if told_of & named:
                raise ContractError(
                    f"contract {one.name}, rule {rule.name}: an alert may not show "
                    f"{', '.join(sorted(told_of & named))}, which tells of a person"
                )
            if _kind(rule) not in book.WATCHED:
                raise ContractError(
                    f"contract {one.name}, rule {rule.name}: the kind of alert {_kind(rule)!r} is none of "
                    f"{', '.join(book.WATCHED)}"
                )
    return found


def watch(run_id: str, address: str | None = None) -> dict[str, int]:
    """Judges, records, raises and resolves; returns the alerts seen by dataset. Doing it again changes nothing.

    Raises ContractError for a contract that can't be used, and RuleBroken for a rule that can't be judged.
    """
    from lanecast.contracts.engine import opened

    terms = watched()
    address = address or warehouse.dsn()
    with warehouse.connect(address=address) as link:
        run = runs.open_run(link, run_id, "watch", "quality", "contracts")
    with runs.step(run_id, "watch", address):
        with opened(address, run.as_of) as judge:
            found = {one.name: judge.findings(_relation(one), one.rules, run.as_of) for one in terms}
        with warehouse.connect(address=address, as_of=run.as_of) as link:
            with link.cursor() as cursor:
                _record(cursor, run, found)
                seen = {one.name: sum(_raise(cursor, run, one, each) for each in found[one.name]) for one in terms}
                _resolve(cursor, run, terms)
            runs.finish(link, run_id, "loaded")
    return seen


def _relation(terms: Contract) -> Relation:
    return Relation(terms.name, terms.table.physical_name, tuple(column.name for column in terms.table.properties))


def _record(cursor: Cursor, run: Run, found: dict[str, list[Finding]]) -> None:
    cursor.execute("DELETE FROM quality.validation_result WHERE run_id = %s", (run.run_id,))
    rows = [
        (
            *(run.run_id, dataset, one.rule.name, one.rule.severity, one.rule.implementation.type),
            *(one.rows, one.failed, one.passed, psycopg2.extras.Json({"expects": one.rule.description}), run.as_of),
        )
        for dataset, findings in found.items()
        for one in findings
    ]
    psycopg2.extras.execute_values(
        cursor,
        "INSERT INTO quality.validation_result (run_id, dataset, rule, severity, expectation, rows_checked, "
        "rows_failed, passed, details, validated_at) VALUES %s",
        rows,
    )


def _raise(cursor: Cursor, run: Run, terms: Contract, finding: Finding) -> int:
    """One alert per subject that breaks the rule; of a rule that is not about rows, one about the dataset."""
    if finding.passed:
        return 0
    rule = finding.rule
    severity: book.Severity = "critical" if rule.severity == "batch" else "warning"
    told: list[tuple[str, str]] = [("", rule.description)]
    if finding.index_query and rule.reason:
        query = sql.SQL(
            "SELECT DISTINCT ON (1) {subject}, {reason} FROM ({failing}) AS failing ({columns}) ORDER BY 1"
        ).format(
            subject=_words(_property(rule, "subject", ", ".join(f"{{{name}}}" for name in terms.table.key))),
            reason=_words(rule.reason),
            failing=sql.SQL(finding.index_query),
            columns=sql.SQL(", ").join(map(sql.Identifier, finding.columns)),
        )
        # no arguments: then the driver leaves percent signs in conditions alone
        cursor.execute(query.as_string(cursor))
        told = cursor.fetchall()
    causes = [book.Cause(_kind(rule), terms.name, rule.name, subject, message, severity) for subject, message in told]
    for cause in causes:
        log.info("%s: %s", cause.rule, cause.message)
    return book.raise_all(cursor, causes, run.run_id)


def _resolve(cursor: Cursor, run: Run, terms: list[Contract]) -> None:
    rules = [(one.name, rule) for one in terms for rule in one.rules]
    cursor.execute(
        statement("alerts/resolve_unseen"),
        {
            "run_id": run.run_id,
            "kinds": list(book.WATCHED),
            "staged": [name for name in datasets() if contract(name).is_staged],
            "datasets": [dataset for dataset, _ in rules],
            "rules": [rule.name for _, rule in rules],
            "calm_hours": [float(_property(rule, "calmHours", "0")) for _, rule in rules],
        },
    )
    book.resolve_released(cursor)


def _words(template: str) -> sql.Composable:
    """An SQL expression for the template's text."""
    pieces = [
        sql.SQL("coalesce({}::text, '?')").format(sql.Identifier(text)) if is_column else sql.Literal(text)
        for text, is_column in reason_parts(template)
    ]
    return sql.SQL("concat({})").format(sql.SQL(", ").join(pieces or [sql.Literal("")]))


def _places(template: str) -> list[str]:
    return [text for text, is_column in reason_parts(template) if is_column]


def _kind(rule: Rule) -> str:
    return _property(rule, "alert", "quality")


def _property(rule: Rule, name: str, default: str) -> str:
    found: Any = next((one.value for one in rule.custom_properties if one.property == name), default)
    return str(found)
