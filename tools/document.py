"""Writes the pages of docs/ that follow from the code, so that they are never stale.

`python tools/document.py` writes them, `--check` writes nothing and exits 1 where a page differs from the code. Needs
the project's environment (.venv), no database and no running platform.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100
_TABLE = re.compile(r"(?P<comment>(?:^--[^\n]*\n)+)CREATE TABLE (?P<name>[a-z]+\.[a-z_]+) \(", re.MULTILINE)
_TARGET = re.compile(r"^(?P<name>[a-z][a-z-]*):.*?## (?P<text>.*)$", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page differs")
    check = parser.parse_args(arguments).check
    stale = 0
    for name, write in PAGES.items():
        path = ROOT / "docs" / name
        wanted = _page(write())
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        if there == wanted:
            continue
        if check:
            stale += 1
            told = difflib.unified_diff(
                there.splitlines(), wanted.splitlines(), f"docs/{name}", "code", lineterm="", n=1
            )
            sys.stderr.write("\n".join([*told][:40]) + "\n")
        else:
            path.write_text(wanted, encoding="utf-8")
            sys.stdout.write(f"wrote docs/{name}\n")
    if stale:
        sys.stderr.write("stale pages: write them anew with `.venv/bin/python tools/document.py`\n")
    return 1 if stale else 0


def _page(lines: Iterable[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def _note(sources: str) -> str:
    return f"<!-- Made by tools/document.py from {sources}: change those, not this page. -->"


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _table(header: tuple[str, ...], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(_cell(value) for value in row) + " |"
    yield ""


# ------------------------------------------------------------------------------------------------ data dictionary


def grains() -> Iterator[tuple[str, str]]:
    """Tables and the comment above each, from the migrations."""
    for path in sorted((ROOT / "include" / "sql" / "migrations").glob("*/upgrade.sql")):
        for match in _TABLE.finditer(path.read_text(encoding="utf-8")):
            lines = [line.removeprefix("--").strip() for line in match["comment"].splitlines()]
            yield match["name"], " ".join(lines).removeprefix("Grain: ")


def data_dictionary() -> Iterator[str]:
    from lanecast.contracts.reader import contract, datasets

    contracts = [contract(name) for name in datasets()]
    mart = [terms for terms in contracts if terms.table.physical_type != "table"]
    core = [terms for terms in contracts if terms.table.physical_type == "table"]
    yield "# Data dictionary"
    yield ""
    yield _note("include/contracts, and the comments in include/sql/migrations")
    yield ""
    yield (
        "Schema `mart` is for consumers: its views keep their columns. All other schemas may change from one version to"
        " the next. Times are `timestamptz`, countries are ISO 3166-1 alpha-2, regions ISO 3166-2. A column about a"
        " person is `personal`, or `pseudonymous` where only the shop can tell whose key it is."
        " [Contracts](contracts.md) tells how all this is kept true."
    )
    yield ""
    yield "## What consumers read: schema `mart`"
    yield ""
    for terms in sorted(mart, key=lambda one: (one.table.physical_type == "function", one.name)):
        yield from _dataset(terms)
    yield "## What is kept: schema `core`"
    yield ""
    yield (
        "A rule of severity `row` quarantines the row, `batch` holds back the whole batch, `warn` is only shown. The"
        " first rule of the list that a row breaks is the one under which it is quarantined."
    )
    yield ""
    for terms in core:
        yield from _dataset(terms)
    yield "## Every other table and its grain"
    yield ""
    yield from _table(
        ("table", "grain"), ((f"`{name}`", text) for name, text in grains() if not name.startswith("core."))
    )


def _dataset(terms: Any) -> Iterator[str]:
    """One dataset, a contract of `lanecast.contracts.reader`."""
    table = terms.table
    yield f"### `{table.physical_name}`"
    yield ""
    grain = _sentence(table.data_granularity_description)
    yield f"{_sentence(table.description)} Grain: {grain[:1].lower()}{grain[1:]}"
    yield ""
    if table.physical_type == "function":
        asked = ", ".join(f"{one.name}{f' := {one.default}' if one.default else ''}" for one in table.arguments)
        yield "```sql"
        yield f"{table.physical_name}({asked})"
        yield "```"
        yield ""
        yield from _table(
            ("argument", "type", "says"),
            ((f"`{one.name}`", one.physical_type, one.description) for one in table.arguments),
        )
    required = "required" if table.physical_type == "table" else "always there"
    yield from _table(
        ("column", "type", "unit", required, "about a person", "says"),
        (
            (
                f"`{column.name}`{' (key)' if column.primary_key else ''}",
                column.physical_type,
                column.unit or "",
                "yes" if column.required else "",
                "" if column.classification == "none" else column.classification,
                column.description,
            )
            for column in table.properties
        ),
    )
    kept = terms.retention
    rights = ", ".join(f"`{one.role}` may {one.access}" for one in terms.roles)
    yield f"- **For**: {_sentence(terms.description.purpose)}"
    yield f"- **Mind**: {_sentence(terms.description.limitations)}"
    yield f"- **Owner**: {terms.team.name}. Contract version {terms.version}. {rights}."
    days = f"{terms.retention_days:,} days after `{kept.element.rpartition('.')[2]}`. "
    yield f"- **Kept**: {days if table.physical_type == 'table' else ''}{_sentence(kept.description)}".rstrip()
    yield ""
    if terms.rules:
        yield f"Rules of `{terms.name}`:"
        yield ""
        yield from _table(
            ("rule", "severity", "dimension", "expects"),
            ((f"`{rule.name}`", rule.severity, rule.dimension, rule.description) for rule in terms.rules),
        )


# ---------------------------------------------------------------------------------------------------------- rules


def rules() -> Iterator[str]:
    from lanecast.contracts.reader import contract, datasets

    contracts = [terms for terms in map(contract, datasets()) if terms.rules]
    yield "# Rules of data quality"
    yield ""
    yield _note("include/contracts")
    yield ""
    yield (
        f"{sum(len(terms.rules) for terms in contracts)} rules, in the order in which they claim a row, each with an"
        " example of what breaks it. [Data quality](data-quality.md) tells what becomes of such a row, and how well"
        " the rules do."
    )
    yield ""
    for terms in sorted(contracts, key=lambda one: not one.is_staged):
        yield f"## `{terms.table.physical_name}`"
        yield ""
        yield from _table(
            ("rule", "severity", "expects", "broken by"),
            ((f"`{rule.name}`", _severity(rule), rule.description, rule.example or "") for rule in terms.rules),
        )


def _severity(rule: Any) -> str:
    return rule.severity + (f", runs of kind {rule.only_for} alone" if rule.only_for else "")


# ----------------------------------------------------------------------------------------------------------- DAGs


def _dag_bag() -> dict[str, Any]:
    """The DAGs as Airflow reads them. RuntimeError with the import errors, or where there is none."""
    with tempfile.TemporaryDirectory(prefix="lanecast-docs-") as home:
        os.environ |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PLUGINS_FOLDER": home,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        }
        sys.path.insert(0, str(ROOT / "plugins"))
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(ROOT / "dags"))
    if bag.import_errors or not bag.dags:
        raise RuntimeError(f"the DAGs can't be read: {bag.import_errors or 'the folder is empty'}")
    return dict(sorted(bag.dags.items()))


def _schedule(schedule: Any) -> str:
    if schedule is None:
        return "by hand"
    if isinstance(schedule, str):
        return f"`{schedule}` (UTC)"
    names = [f"`{asset.uri}`" for asset in schedule.objects]
    return "when any of these assets changed: " + ", ".join(names)


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def dags() -> Iterator[str]:
    yield "# DAGs"
    yield ""
    yield _note("the files in dags/")
    yield ""
    found = _dag_bag()
    yield from _table(
        ("DAG", "runs", "tags", "runs at a time"),
        (
            (f"[`{name}`](#{name})", _schedule(dag.schedule), ", ".join(sorted(dag.tags)), dag.max_active_runs)
            for name, dag in found.items()
        ),
    )
    for name, dag in found.items():
        heading, _, text = (dag.doc_md or "").strip().partition("\n")
        yield f"## `{name}`"
        yield ""
        yield f"{heading.lstrip('# ')}. {_sentence(text)}"
        yield ""
        yield f"Runs {_schedule(dag.schedule)}; at most {dag.max_active_runs} at a time; no catch-up."
        yield ""
        if dag.params:
            yield from _table(
                ("param", "default", "accepts", "says"),
                (
                    (f"`{key}`", f"`{told.value!r}`", _accepts(told.schema), told.schema.get("title", ""))
                    for key, told in ((key, dag.params.get_param(key)) for key in dag.params)
                ),
            )
        yield from _table(
            ("task", "after", "at a time", "retries", "does", "reads", "writes", "tells of"),
            (
                (
                    f"`{task.task_id}`",
                    ", ".join(f"`{one}`" for one in sorted(task.upstream_task_ids)),
                    _parallel(task),
                    task.retries,
                    _sentence(_told(task)),
                    _named(task, "reads"),
                    _named(task, "writes"),
                    ", ".join(f"`{asset.uri}`" for asset in _outlets(task)),
                )
                for task in dag.topological_sort()
            ),
        )


def _accepts(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join("none" if value is None else f"`{value}`" for value in schema["enum"])
    kinds = schema.get("type", "anything")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    text = " or ".join("none" if kind == "null" else kind for kind in kinds)
    if pattern := schema.get("items", {}).get("pattern"):
        text += f", each like `{pattern}`"
    if most := schema.get("maxItems"):
        text += f", at most {most}"
    return text


def _parallel(task: Any) -> str:
    most = getattr(task, "max_active_tis_per_dagrun", None)
    return f"mapped, {most or 'unbounded'}" if type(task).__name__ == "DecoratedMappedOperator" else "1"


def _named(task: Any, role: str) -> str:
    """The datasets that the task reads or writes (see lanecast_task); `staged` and the like are the run's own."""
    names = getattr(task, "partial_kwargs", {}).get(role, ()) or getattr(task, role, ())
    return ", ".join(f"`{name}`" for name in names)


def _told(task: Any) -> str | None:
    function = getattr(task, "python_callable", None)
    return task.doc_md or getattr(function, "__doc__", None)


def _outlets(task: Any) -> list[Any]:
    return [asset for asset in (task.outlets or []) if hasattr(asset, "uri")]


# ------------------------------------------------------------------------------------------------------- the rest


def status_codes() -> Iterator[str]:
    from lanecast.carriers.status import CUSTOMS
    from lanecast.tracking import MILESTONES

    tables: dict[str, list[dict[str, str]]] = {}
    for path in sorted((ROOT / "include" / "reference" / "status_codes").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            tables[path.stem] = list(csv.DictReader(lines))
    yield "# Carriers' status codes"
    yield ""
    yield _note("include/reference/status_codes/*.csv")
    yield ""
    yield (
        "Which code of which carrier means which milestone. `a/*` is every code of kind `a` that has no row of its own."
        " Customs codes do not say which side they mean: in the origin's country they are export, in the destination's"
        " import. A code that is in no table is kept, counts as `in_transit`, and is listed in `quality.unmapped_code`."
        " Phrases are looked for in the carrier's words where the code leaves open what happened."
    )
    yield ""
    yield "## Codes by milestone and carrier"
    yield ""

    def counted(rows: list[dict[str, str]], milestone: str) -> str:
        codes = sum(row["milestone"] == milestone and not row["code"].startswith("text/") for row in rows)
        phrases = sum(row["milestone"] == milestone and row["code"].startswith("text/") for row in rows)
        return f"{codes or ''}{f' +{phrases}' if phrases else ''}".strip()

    yield "How many codes of a carrier mean a milestone; behind a `+`, how many phrases."
    yield ""
    matrix = []
    for milestone in (*MILESTONES, *sorted(CUSTOMS)):
        cells = [counted(rows, milestone) for rows in tables.values()]
        if any(cells):
            matrix.append((f"`{milestone}`", *cells))
    yield from _table(("milestone", *(f"[{name}](#{name})" for name in tables)), matrix)
    for carrier, rows in tables.items():
        yield f"## {carrier}"
        yield ""
        yield f"{len(rows)} rows. Sources:"
        yield ""
        for source, as_of in dict.fromkeys((row["source"], row["as_of"]) for row in rows):
            yield f"- {source}, as of {as_of}"
        yield ""
        yield from _table(
            ("code or phrase", "milestone", "reason", "meaning"),
            (
                (
                    f"“{row['code'].removeprefix('text/')}”" if row["code"].startswith("text/") else f"`{row['code']}`",
                    f"`{row['milestone']}`" if row["milestone"] else "(reason alone)",
                    row["reason"],
                    row["meaning"],
                )
                for row in rows
            ),
        )


def conformance() -> Iterator[str]:
    """What each carrier's adapter can do, as tests/conformance measures it. AssertionError where it tells untruths."""
    sys.path.insert(0, str(ROOT / "tests"))
    from conformance.capabilities import CAPABILITIES, YES, exemptions, measured, samples
    from lanecast.carriers import registry

    def matrix(which: str) -> Iterator[str]:
        columns = [one for one in CAPABILITIES.values() if one.table == which]
        yield from _table(
            ("carrier", *(one.title for one in columns)),
            (
                (f"`{name}`", *(measured(name, one.name).removeprefix("no: ") for one in columns))
                for name in registry.names()
            ),
        )

    promised = {one.name for one in CAPABILITIES.values() if one.is_promised}
    count = sum(measured(name, one) == YES for name in registry.names() for one in promised)
    yield "# Carriers, and what is shown of each"
    yield ""
    yield _note("tests/conformance")
    yield ""
    yield (
        "Measured, not claimed: each cell is the outcome of a check in `tests/conformance`, which asks the carrier's"
        " stand-in in the sandbox through the adapter, the way a pull does, about journeys whose truth is known, and"
        " compares. The stand-ins speak each carrier's wire format with its own codes, as far as these are public;"
        " where none is, they print words, and a cell then shows that such words are understood. No account with a"
        " carrier was at hand. What adapters know beyond what the stand-ins print stands in"
        " [Carriers' status codes](carrier-status-codes.md)."
    )
    yield ""
    yield (
        f"Of {len(registry.names())} sources and {len(promised)} promised capabilities each, {count} of"
        f" {len(registry.names()) * len(promised)} cells are `{YES}`. The others say what is read instead, and"
        " [why](#where-a-cell-does-not-say-yes); a test fails for any that is not listed there."
    )
    yield ""
    yield "## How each is asked and answers"
    yield ""
    yield (
        "*Zone known by* tells how the clock of each event is known, the most frequent way first: `offset` as printed,"
        " `utc`, by `place`, or `assumed`. Where it is not assumed, every event lies within a minute of the truth."
        " *New code kept*: an event of which all but its time is unknown is kept as `in_transit` and counted as"
        " unmapped. *Mutated answers*: so many were given to the parser by `tests/unit/carriers/test_carrier_fuzz.py`;"
        " it raised for none, and lost no parcel."
    )
    yield ""
    yield from matrix("asked")
    yield "## What is told on the way"
    yield ""
    yield from matrix("way")
    yield "## What is told at the door, and of what goes wrong"
    yield ""
    yield from matrix("end")
    yield "## Where a cell does not say yes"
    yield ""
    yield from _table(
        ("carrier", "capability", "is read as", "why"),
        (
            (f"`{one.carrier}`", CAPABILITIES[one.capability].title, one.says.removeprefix("no: "), one.why)
            for one in exemptions().values()
        ),
    )
    yield "## Public sample answers"
    yield ""
    yield "Read in full, each event with a milestone from its code table, wherever the samples lie beside the checkout."
    yield ""
    yield from _table(
        ("carrier", "parcels", "events", "origin"),
        ((f"`{one.carrier}`", one.parcels, one.events, f"`{one.repository}`, {one.path}") for one in samples()),
    )


def commands() -> Iterator[str]:
    import click

    from lanecast.cli import cli

    yield "# Commands"
    yield ""
    yield _note("plugins/lanecast/cli/ and the Makefile")
    yield ""
    yield "## make"
    yield ""
    targets = _TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    yield from _table(("command", "does"), ((f"`make {name}`", text) for name, text in targets))
    yield "## lanecast"
    yield ""
    yield (
        "The command lies in `.venv/bin`. It works on the warehouse of `AIRFLOW_CONN_LANECAST_WAREHOUSE`, else on this"
        " checkout's own, whose Postgres it starts for the time of the command where the platform is not up."
    )
    yield ""

    def told(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
        context = click.Context(
            command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH,
            **{key: value for key, value in command.context_settings.items() if key == "help_option_names"},
        )  # fmt: skip
        yield f"### `{context.command_path}`"
        yield ""
        yield "```text"
        yield from command.get_help(context).splitlines()
        yield "```"
        yield ""
        if isinstance(command, click.Group):
            for child in command.list_commands(context):
                inner = command.get_command(context, child)
                if inner is not None:
                    yield from told(inner, child, context)

    yield from told(cli, "lanecast", None)


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "data-dictionary.md": data_dictionary,
    "data-quality-rules.md": rules,
    "dags.md": dags,
    "carrier-status-codes.md": status_codes,
    "carrier-conformance.md": conformance,
    "commands.md": commands,
}

if __name__ == "__main__":
    sys.exit(main())
