"""Data contracts: include/contracts/*.yaml, in the Open Data Contract Standard 3.1, read and checked.

One contract a dataset. The first table of its `schema` is the dataset itself and carries the quality rules, which judge
the rows as staged; further tables are those that the same rows fill.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from lanecast import settings
from lanecast.warehouse.staging import COLUMNS

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


class Property(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One column of a table."""

    name: str
    logical_type: Literal["string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"]
    physical_type: str
    description: str
    classification: PiiClass
    required: bool = False
    primary_key: bool = False
    primary_key_position: int = -1


class Implementation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A rule as a Great Expectations expectation. `meta.reason` tells people what is wrong with a row."""

    type: str
    kwargs: dict[str, Any]
    meta: dict[str, str] = {}


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One quality rule. Its name is stable: quarantined rows are found by it."""

    name: str
    description: str
    dimension: Literal["accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"]
    severity: Severity
    type: Literal["custom"]
    engine: Literal["greatExpectations"]
    implementation: Implementation

    @property
    def reason(self) -> str:
        """The reason's template: `{column}` stands for the row's value."""
        return self.implementation.meta.get("reason", "")


class Table(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One table of the warehouse."""

    name: str
    physical_name: str
    physical_type: Literal["table", "view"]
    logical_type: Literal["object"]
    data_granularity_description: str
    description: str
    properties: list[Property]
    quality: list[Rule] = []


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
        """The dataset's name, as in `warehouse.staging.COLUMNS`."""
        return self.name

    @property
    def rules(self) -> list[Rule]:
        """The rules, in the order in which they claim a bad row."""
        return self.tables[0].quality

    @property
    def retention_days(self) -> int:
        """Days that the dataset's rows are kept."""
        return next(int(agreed.value) for agreed in self.sla_properties if agreed.property == "retention")


def path_of(dataset: str) -> Path:
    """Where the contract of a dataset lies."""
    return settings.include() / "contracts" / f"{dataset}.yaml"


def contract(dataset: str) -> Contract:
    """The contract of a dataset. Raises ContractError where it is missing or can't be used."""
    if dataset not in COLUMNS:
        raise ContractError(f"no contract for {dataset!r}: datasets are {', '.join(COLUMNS)}")
    path = path_of(dataset)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise ContractError(f"{path}: missing; the dataset {dataset} needs a contract there") from None


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


class _UniqueKeys(yaml.SafeLoader):
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

    if found.name != path.stem or found.name not in COLUMNS:
        refuse("name", f"{found.name!r} must be the file's name and a dataset ({', '.join(COLUMNS)})")
    if not re.fullmatch(r"\d+\.\d+\.\d+", found.version):
        refuse("version", f"{found.version!r} is not major.minor.patch")
    if not found.tables or found.tables[0].name != found.name:
        refuse("schema[0].name", f"the first table must be the dataset {found.name!r} itself")
    if not any(agreed.property == "retention" and str(agreed.value).isdigit() for agreed in found.sla_properties):
        refuse("slaProperties", "a property `retention` with whole days as its value is missing")
    for number, table in enumerate(found.tables):
        _unique([column.name for column in table.properties], f"schema[{number}].properties", refuse)
        if number and table.quality:
            refuse(f"schema[{number}].quality", "rules belong to the first table, for they judge its staged rows")
    _unique([rule.name for rule in found.rules], "schema[0].quality", refuse)
    for number, rule in enumerate(found.rules):
        _check_rule(rule, f"schema[0].quality[{number}]", COLUMNS[found.name], refuse)


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
        refuse(f"{key}.implementation.kwargs.column", f"{column!r} is not staged: columns are {', '.join(staged)}")
    if rule.severity != "warn" and not rule.reason:
        refuse(f"{key}.implementation.meta.reason", f"rule {rule.name} needs a reason that tells people what is wrong")
    places = set(_PLACE.findall(rule.reason))
    unknown = sorted(places - (BATCH_PLACES if rule.severity == "batch" else set(staged)))
    if unknown:
        refuse(f"{key}.implementation.meta.reason", f"{{{unknown[0]}}} is not a column of the staged rows")
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
