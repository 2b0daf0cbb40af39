"""The gate's verdict as rows: which staged row is rejected, by which rule, and why in words."""

from __future__ import annotations

from psycopg2 import sql

from lanecast.contracts.engine import SPEED, Finding
from lanecast.contracts.reader import Contract, ContractError, reason_parts
from lanecast.warehouse.connection import Connection, only_row
from lanecast.warehouse.staging import JUDGED_COLUMNS, Batch

_LONGEST_VALUE = 200


def clear(link: Connection, batch: Batch) -> None:
    """Empties the batch's verdict."""
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("TRUNCATE {}").format(_table(batch.rejected)))


def hurry(link: Connection) -> None:
    """Gives the rest of the transaction the settings that judging has."""
    with link.cursor() as cursor:
        for name, value in SPEED.items():
            cursor.execute("SELECT set_config(%s, %s, true)", (name, value))


def reject(link: Connection, batch: Batch, contract: Contract, finding: Finding) -> int:
    """Rejects the rows that break one row rule, unless an earlier rule claimed them; returns how many it claimed.

    Raises ContractError where the rule's expectation does not tell rows.
    """
    if not finding.index_query:
        raise ContractError(
            f"contract {contract.name}, rule {finding.rule.name}: {finding.rule.implementation.type} is not about "
            "single rows; give the rule severity batch or warn"
        )
    return _execute(
        link,
        sql.SQL(
            "INSERT INTO {rejected} (staged_row, rule, severity, reason) "
            "SELECT staged_row, {rule}, 'row', {reason} FROM ({failing}) AS failing ({columns}) "
            "ON CONFLICT (staged_row) DO NOTHING"
        ).format(
            rejected=_table(batch.rejected),
            rule=sql.Literal(finding.rule.name),
            reason=_reason(contract, finding.rule.reason),
            failing=sql.SQL(finding.index_query or ""),
            columns=sql.SQL(", ").join(map(sql.Identifier, finding.columns)),
        ),
    )


def once_stopped(link: Connection, batch: Batch) -> int:
    """How many of the rows rejected come back from a batch that was stopped as a whole."""
    with link.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT count(*) FROM {} AS rejected JOIN quality.quarantined_row AS bad "
                "ON rejected.staged_row = bad.quarantined_row_id WHERE bad.severity = 'batch'"
            ).format(_table(batch.rejected))
        )
        return int(only_row(cursor)[0])


def reject_all(link: Connection, batch: Batch, finding: Finding) -> int:
    """Rejects every row of the batch under a batch rule; returns how many."""
    clear(link, batch)
    share = f"{100 * finding.failed / max(finding.rows, 1):.1f}"
    reason = finding.rule.reason.format(rows=finding.rows, failed=finding.failed, share=share)
    return _execute(
        link,
        sql.SQL(
            "INSERT INTO {rejected} (staged_row, rule, severity, reason) "
            "SELECT staged_row, {rule}, 'batch', {reason} FROM {staged}"
        ).format(
            rejected=_table(batch.rejected),
            rule=sql.Literal(finding.rule.name),
            reason=sql.Literal(reason),
            staged=_table(batch.staged),
        ),
    )


def _execute(link: Connection, statement: sql.Composed) -> int:
    with link.cursor() as cursor:
        # no arguments: then the driver leaves percent signs in conditions and values alone
        cursor.execute(statement.as_string(cursor))
        return cursor.rowcount


def _reason(contract: Contract, template: str) -> sql.Composable:
    """An SQL expression for the reason's text, the row's place in its file included."""
    moments = {
        column.name
        for table in contract.tables
        for column in table.properties
        if column.physical_type.startswith("timestamp")
    } | {column for column in JUDGED_COLUMNS[contract.name] if column.endswith(("_at", "_from", "_before"))}
    pieces = [
        _shown(text, text in moments) if is_column else sql.Literal(text) for text, is_column in reason_parts(template)
    ]
    return sql.SQL("concat({}, ' (line ' || source_line || ')')").format(sql.SQL(", ").join(pieces))


def _shown(column: str, is_moment: bool) -> sql.Composable:
    text = sql.SQL("{}::text").format(sql.Identifier(column))
    if is_moment:
        # midnight is nearly always a date without a time
        text = sql.SQL("replace(replace({}, ' 00:00:00+00', ''), ' 00:00:00', '')").format(text)
    return sql.SQL("coalesce(nullif(left({}, {}), ''), '(empty)')").format(text, sql.Literal(_LONGEST_VALUE))


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))
