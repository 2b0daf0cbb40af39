"""Great Expectations as the gate uses it: ephemeral, silent, and pushed down to SQL.

Nothing is written to disk, nothing is sent anywhere, and only counts and SQL texts come into memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lanecast.contracts.reader import Rule
from lanecast.contracts.suite import suite
from lanecast.warehouse.connection import sqlalchemy_url

SPEED = {"work_mem": "128MB", "jit": "off"}
"""Session settings while a batch is judged: a million scans sort in memory, and no rule is worth compiling."""


class RuleBroken(RuntimeError):
    """A rule could not be judged: an error in its expression, or in the database. Names contract and rule."""


@dataclass(frozen=True)
class Relation:
    """What is judged: a table or view of the warehouse (`schema.name`), and the columns that tell a failing row."""

    dataset: str
    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What one rule found. `index_query` selects the failing rows; its columns are `columns`, by position."""

    rule: Rule
    rows: int
    failed: int
    passed: bool
    index_query: str | None = None
    columns: tuple[str, ...] = ()


class Judge:
    """One Great Expectations context and connection, for any number of relations."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._assets: dict[str, Any] = {}

    def findings(self, relation: Relation, rules: list[Rule], as_of: datetime, **known: Any) -> list[Finding]:
        """Judges a relation by these rules, in one SELECT. Raises RuleBroken where a rule can't be judged."""
        if not rules:
            return []
        result_format = {
            "result_format": "BASIC",
            "partial_unexpected_count": 0,
            "return_unexpected_index_query": True,
            "unexpected_index_column_names": list(relation.columns),
        }
        asked = suite(relation.dataset, rules, as_of, shown=relation.columns, **known)
        found = self._asset(relation).validate(asked, result_format=result_format)
        by_name = {result.expectation_config.meta["name"]: result for result in found.results}
        raised = {name: error for name, result in by_name.items() if (error := _raised(result.exception_info))}
        if raised or len(by_name) != len(rules):
            self._refuse(relation, rules, as_of, raised, known)
        return [_finding(relation, rule, by_name[rule.name]) for rule in rules]

    def _refuse(
        self, relation: Relation, rules: list[Rule], as_of: datetime, raised: dict[str, str], known: dict[str, Any]
    ) -> None:
        # one faulty expression fails the bundled SELECT, and with it all rules: alone, each tells its own fault
        if len(rules) > 1:
            for rule in rules:
                self.findings(relation, [rule], as_of, **known)
        name, error = next(iter(raised.items()), (rules[0].name, "Great Expectations gave no result"))
        raise RuleBroken(f"contract {relation.dataset}, rule {name} can't be judged: {error}")

    def _asset(self, relation: Relation) -> Any:
        if relation.name not in self._assets:
            schema, table = relation.name.split(".")
            asset = self._source.add_table_asset(name=relation.name, table_name=table, schema_name=schema)
            self._assets[relation.name] = asset.add_batch_definition_whole_table("all").get_batch()
        return self._assets[relation.name]


@contextmanager
def opened(address: str, as_of: datetime) -> Iterator[Judge]:
    """A Judge on the warehouse at `address`, as role loader, with `ops.as_of()` at that moment."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    session = {"role": "lanecast_loader", "timezone": "UTC", "lanecast.as_of": as_of.isoformat(), **SPEED}
    # a configuration of its own, for the default one makes a folder for Data Docs
    configuration = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults())
    context = gx.get_context(mode="ephemeral", project_config=configuration)
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_postgres(
        name="warehouse",
        connection_string=sqlalchemy_url(address, role="loader"),
        create_temp_table=False,
        kwargs={"connect_args": {"options": " ".join(f"-c {name}={value}" for name, value in session.items())}},
    )
    try:
        yield Judge(source)
    finally:
        source.get_execution_engine().close()


def _finding(relation: Relation, rule: Rule, result: Any) -> Finding:
    found, arguments = result.result, result.expectation_config.kwargs
    # Great Expectations selects what a built-in expectation judges once more, after the columns asked for
    judged = 1 if "column" in arguments else 2 if "column_A" in arguments else len(arguments.get("column_list", ()))
    more = (*arguments.get("also_shown", ()), *(f"judged_{number}" for number in range(judged)))
    query = found.get("unexpected_index_query")
    return Finding(
        rule=rule,
        rows=found.get("element_count") or 0,
        failed=found.get("unexpected_count") or 0,
        passed=bool(result.success),
        index_query=query.rstrip("; \n") if query else None,
        columns=(*relation.columns, *more),
    )


def _raised(info: dict[str, Any] | None) -> str | None:
    """The message of the exception in a result, be it told for the expectation or for each of its metrics."""
    if not info:
        return None
    if info.get("raised_exception"):
        return str(info.get("exception_message") or "").strip() or "an exception without a message"
    nested = (_raised(each) for each in info.values() if isinstance(each, dict))
    return next((message for message in nested if message), None)
