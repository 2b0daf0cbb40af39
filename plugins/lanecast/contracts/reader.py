"""Data contracts: include/contracts/*.yaml, in the Open Data Contract Standard 3.1, read and checked.

One contract a dataset: each table of `core`, and each view or function of `mart`. The rules of a dataset that is staged
judge its rows as staged; those of any other judge it as it lies in the warehouse.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from lanecast import settings
from lanecast.warehouse.staging import COLUMNS, JUDGED_COLUMNS

Severity = Literal["row", "batch", "warn"]
"""What a broken rule does: quarantines the row, holds back the whole batch, or is only shown."""

PiiClass = Literal["none", "pseudonymous", "personal"]
"""Whether a column tells of a person: not at all, by a key that only the shop can resolve, or directly."""

BATCH_PLACES = frozenset({"rows", "failed", "share"})
"""What a batch rule's reason may name: rows of the batch, those that fail, and their share in percent."""

OWN = frozenset({"expect_rows_to_satisfy", "expect_rejected_share_to_be_at_most"})
"""Lanecast's own expectations (contracts/expectations.py); all others are built into Great Expectations."""

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_PLACE = re.compile(r"\{([a-z_]+)\}")


class ContractError(ValueError):
    """A contract that can't be used; the message names file and key."""


class CustomProperty(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the standard has no key of its own for."""

    property: str
    value: Any


class Argument(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One argument of a function, under the table's custom property `arguments`; `default` is SQL."""

    name: str
    physical_type: str
    description: str
    default: str | None = None


class Property(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One column of a table or view, or one that a function returns."""

    name: str
    logical_type: Literal["string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"]
    physical_type: str
    description: str
    classification: PiiClass
    required: bool = False
    primary_key: bool = False
    primary_key_position: int = -1
    custom_properties: list[CustomProperty] = []

    @property
    def unit(self) -> str | None:
        """The unit of a quantity, such as `days`."""
        return _told(self.custom_properties, "unit")


class Implementation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A rule as a Great Expectations expectation. `meta.reason` tells people what is wrong with a row."""

    type: str
    kwargs: dict[str, Any]
    meta: dict[str, str] = {}


class Rule(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One quality rule. Its name is stable: quarantined rows are found by it."""

    name: str
    description: str
    dimension: Literal["accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"]
    severity: Severity
    type: Literal["custom"]
    engine: Literal["greatExpectations"]
    implementation: Implementation
    custom_properties: list[CustomProperty] = []

    @property
    def only_for(self) -> str | None:
        """The kind of run (ops.run) that the rule judges; None where it judges all."""
        return _told(self.custom_properties, "onlyFor")

    @property
    def example(self) -> str | None:
        """One row, or a few of one parcel, that break the rule, in words for the docs."""
        return _told(self.custom_properties, "example")

    @property
    def reason(self) -> str:
        """The reason's template: `{column}` stands for the row's value."""
        return self.implementation.meta.get("reason", "")


class Table(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One table, view or function of the warehouse."""

    name: str
    physical_name: str
    physical_type: Literal["table", "view", "function"]
    logical_type: Literal["object"]
    data_granularity_description: str
    description: str
    properties: list[Property]
    quality: list[Rule] = []
    custom_properties: list[CustomProperty] = []

    @property
    def arguments(self) -> list[Argument]:
        """What the function is called with, in order; none for tables and views."""
        found: Any = next((one.value for one in self.custom_properties if one.property == "arguments"), [])
        return msgspec.convert(found, list[Argument], strict=True)

    @property
    def key(self) -> list[str]:
        """The columns that tell one row from another, in order; none where there is no such key."""
        columns = [column for column in self.properties if column.primary_key]
        return [column.name for column in sorted(columns, key=lambda one: one.primary_key_position)]


class Purpose(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the data may be used for, and what it can't tell."""

    purpose: str
    limitations: str = ""
    usage: str = ""


class Team(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The role that owns the dataset."""

    name: str
    description: str


class Access(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A database role and what it may do."""

    role: str
    access: Literal["read", "write"]
    description: str = ""


class Agreement(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A service level, such as retention in days since `element`."""

    property: str
    value: int | float | str
    element: str
    unit: str = ""
    description: str = ""


class Contract(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One dataset's contract."""

    api_version: Literal["v3.1.0"]
    kind: Literal["DataContract"]
    id: str
    name: str
    version: str
    status: Literal["proposed", "draft", "active", "deprecated", "retired"]
    domain: str
    description: Purpose
    team: Team
    roles: list[Access]
    tables: list[Table] = msgspec.field(name="schema")
    sla_properties: list[Agreement]

    @property
    def dataset(self) -> str:
        """The dataset's name: that of its table, view or function."""
        return self.name

    @property
    def table(self) -> Table:
        """The table, view or function that the contract is about."""
        return self.tables[0]

    @property
    def rules(self) -> list[Rule]:
        """The rules, in the order in which they claim a bad row."""
        return self.table.quality

    @property
    def is_staged(self) -> bool:
        """Whether rows come through staging, and its rules judge them there."""
        return self.name in COLUMNS

    @property
    def retention(self) -> Agreement:
        """How long the dataset's rows are kept, in days after its `element`, which is table.column."""
        return next(agreed for agreed in self.sla_properties if agreed.property == "retention")

    @property
    def retention_days(self) -> int:
        """Days that the dataset's rows are kept."""
        return int(self.retention.value)


def _told(properties: list[CustomProperty], name: str) -> str | None:
    return next((str(one.value) for one in properties if one.property == name), None)


def datasets() -> list[str]:
    """The names of all datasets that have a contract, in order."""
    return sorted(path.stem for path in (settings.include() / "contracts").glob("*.yaml"))


def path_of(dataset: str) -> Path:
    """Where the contract of a dataset lies."""
    return settings.include() / "contracts" / f"{dataset}.yaml"


def contract(dataset: str) -> Contract:
    """The contract of a dataset. Raises ContractError where it is missing or can't be used."""
    path = path_of(dataset)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise ContractError(
            f"{path}: missing; the dataset {dataset!r} needs a contract there. There are {', '.join(datasets())}"
        ) from None


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> Contract:
    return read(path)


def read(path: Path) -> Contract:
    """Reads and checks one contract file. Raises ContractError naming file and key."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506, a SafeLoader
        found = msgspec.convert(data, Contract, strict=True)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: not readable as YAML: {error}") from None
    except msgspec.ValidationError as error:
        raise ContractError(f"{path}: {error}") from None
    _check(path, found)
    return found


class _UniqueKeys(yaml.CSafeLoader):
    """YAML without the trap that the last of two equal keys silently wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {', '.join(sorted(twice))} is given twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def _check(path: Path, found: Contract) -> None:
    def refuse(key: str, problem: str) -> None:
        raise ContractError(f"{path}: {problem} - at `{key}`")

    if found.name != path.stem:
        refuse("name", f"{found.name!r} must be the file's name, {path.stem!r}")
    if not re.fullmatch(r"\d+\.\d+\.\d+", found.version):
        refuse("version", f"{found.version!r} is not major.minor.patch")
    if len(found.tables) != 1 or found.tables[0].name != found.name:
        refuse("schema", f"one table, and it must be the dataset {found.name!r} itself")
    _check_table(found.table, refuse)
    for access in found.roles:
        if not _NAME.match(access.role):
            refuse("roles", f"{access.role!r} is not the name of a database role")
        if access.access == "write" and found.table.physical_type != "table":
            refuse("roles", f"a {found.table.physical_type} is read, not written: {access.role} asks for write")
    if not any(agreed.property == "retention" and str(agreed.value).isdigit() for agreed in found.sla_properties):
        refuse("slaProperties", "a property `retention` with whole days as its value is missing")
    names = [column.name for column in found.table.properties]
    if found.retention.element not in {f"{found.name}.{name}" for name in names}:
        refuse("slaProperties", f"retention's element {found.retention.element!r} is not a column, as table.column")
    _unique(names, "schema[0].properties", refuse)
    _unique([rule.name for rule in found.rules], "schema[0].quality", refuse)
    judged = COLUMNS.get(found.name, tuple(names)) + JUDGED_COLUMNS.get(found.name, ())
    for number, rule in enumerate(found.rules):
        _check_rule(rule, f"schema[0].quality[{number}]", judged, refuse)


def _check_table(table: Table, refuse: Any) -> None:
    schema = "core" if table.physical_type == "table" else "mart"
    if table.physical_name != f"{schema}.{table.name}":
        refuse("schema[0].physicalName", f"a {table.physical_type} is {schema}.{table.name}, not {table.physical_name}")
    try:
        arguments = table.arguments
    except msgspec.ValidationError as error:
        refuse("schema[0].customProperties", f"arguments: {error}")
    if table.physical_type != "function" and arguments:
        refuse("schema[0].customProperties", f"a {table.physical_type} takes no arguments")
    _unique([argument.name for argument in arguments], "schema[0].customProperties", refuse)
    for name in [table.name, *(one.name for one in table.properties), *(one.name for one in arguments)]:
        if not _NAME.match(name):
            refuse("schema[0]", f"{name!r} is not made of small letters, digits and _")
    positions = sorted(column.primary_key_position for column in table.properties if column.primary_key)
    if positions != list(range(1, len(positions) + 1)):
        refuse("schema[0].properties", f"primaryKeyPosition counts from 1, and is {positions} here")
    if not table.data_granularity_description.startswith("One row per "):
        refuse("schema[0].dataGranularityDescription", "the grain begins with `One row per `")


def _unique(names: list[str], key: str, refuse: Any) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        refuse(key, f"{', '.join(twice)} is there twice")


def _check_rule(rule: Rule, key: str, staged: tuple[str, ...], refuse: Any) -> None:
    if not _NAME.match(rule.name):
        refuse(f"{key}.name", f"{rule.name!r} is not made of small letters, digits and _")
    if not rule.implementation.type.startswith("expect_"):
        refuse(f"{key}.implementation.type", f"{rule.implementation.type!r} is not an expectation")
    column = rule.implementation.kwargs.get("column")
    if column is not None and column not in staged:
        refuse(f"{key}.implementation.kwargs.column", f"{column!r} is not judged: columns are {', '.join(staged)}")
    if rule.severity != "warn" and not rule.reason:
        refuse(f"{key}.implementation.meta.reason", f"rule {rule.name} needs a reason that tells people what is wrong")
    places = set(_PLACE.findall(rule.reason))
    unknown = sorted(places - (BATCH_PLACES if rule.severity == "batch" else set(staged)))
    if unknown:
        refuse(f"{key}.implementation.meta.reason", f"{{{unknown[0]}}} is not a column of the rows judged")
    if rule.severity == "row" and rule.implementation.type not in OWN:
        _check_built_in(rule.implementation.kwargs, f"{key}.implementation.kwargs", refuse)
    if rule.severity == "row" and "mostly" in rule.implementation.kwargs:
        refuse(f"{key}.implementation.kwargs.mostly", "a row rule holds for each row; shares are for warn and batch")


def _check_built_in(arguments: dict[str, Any], key: str, refuse: Any) -> None:
    # Great Expectations writes arguments into the SQL that finds the failing rows as Python would print them
    for name, argument in arguments.items():
        for value in argument if isinstance(argument, list) else [argument]:
            if not isinstance(value, str | int | float) or "'" in str(value):
                refuse(f"{key}.{name}", f"a built-in expectation can't take {value!r}: use expect_rows_to_satisfy")


def reason_parts(template: str) -> list[tuple[str, bool]]:
    """A reason's template in pieces: (text, False) and (column, True)."""
    pieces = _PLACE.split(template)
    return [(piece, bool(number % 2)) for number, piece in enumerate(pieces) if piece]
