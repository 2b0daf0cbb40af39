"""Whether a change of a contract breaks those who read the dataset, and whether its version says so.

`include/contracts/published.json` records each dataset's interface as it was last published, and what changed in each
version. A contract may differ from it only together with its version: a breaking change needs a higher major version,
an additive one a higher minor version, and `lanecast contract publish` writes it down.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from lanecast import settings
from lanecast.contracts.reader import Contract, ContractError, contract, datasets

Step = Literal["same", "wider", "narrower", "other"]
"""From one type to another: the new one holds all that the old one did and more, less, or something else."""

ENDED = ("retired", "gone")
"""A dataset published as retired may go; one that went stays in the record as gone."""


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column as readers see it."""

    name: str
    type: str
    required: bool = False
    unit: str | None = None


class Argument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An argument as callers see it; `default` None where it must be given."""

    name: str
    type: str
    default: str | None = None


class Keeper(msgspec.Struct, frozen=True):
    """A rule that keeps rows or whole batches from readers."""

    name: str
    severity: Literal["row", "batch"]


class Interface(msgspec.Struct, frozen=True):
    """What readers of a dataset rely on. `name` is that in the warehouse, such as mart.delivery_time; `rules`, by name,
    are None in a record that did not tell them yet."""

    version: str
    status: str
    name: str
    kind: Literal["table", "view", "function"]
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    arguments: tuple[Argument, ...] = ()
    rules: tuple[Keeper, ...] | None = None


class Version(msgspec.Struct, frozen=True):
    """A version that was published, by its date and what it changed."""

    version: str
    on: date
    changes: tuple[str, ...]


class Published(msgspec.Struct, frozen=True):
    """A dataset in the record: its interface, and its versions, the oldest first."""

    interface: Interface
    history: tuple[Version, ...]


Record = dict[str, Published]


class Change(NamedTuple):
    """One difference between two interfaces."""

    what: str
    breaks: bool


class NoComparison(Exception):
    """There is no earlier record to compare with; the message says why."""


def interface(terms: Contract) -> Interface:
    """The part of a contract that readers rely on."""
    table = terms.table
    return Interface(
        terms.version,
        terms.status,
        table.physical_name,
        table.physical_type,
        " ".join(table.data_granularity_description.split()),
        tuple(table.key),
        tuple(Column(one.name, one.physical_type, one.required, one.unit) for one in table.properties),
        tuple(Argument(one.name, one.physical_type, one.default) for one in table.arguments),
        tuple(
            Keeper(one.name, one.severity)
            for one in sorted(terms.rules, key=lambda rule: rule.name)
            if one.severity != "warn"
        ),
    )


# ---------------------------------------------------------------------------------------------------------- types

_TYPE = re.compile(
    r"^(?P<base>[a-z][a-z0-9 ]*?)\s*(?:\((?P<sizes>\d+(?:\s*,\s*\d+)?)\))?(?P<zone> with(?:out)? time zone)?$"
)
_ALIASES = {
    "int2": "smallint", "int": "integer", "int4": "integer", "int8": "bigint", "decimal": "numeric", "float4": "real",
    "float8": "double precision", "varchar": "character varying", "char": "character", "bool": "boolean",
    "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
    "timetz": "time with time zone", "time": "time without time zone",
}  # fmt: skip
_LADDERS = (("smallint", "integer", "bigint"), ("real", "double precision"))
_WITHOUT_LIMIT = 1 << 30
_MICROSECONDS = 6


def type_step(old: str, new: str) -> Step:
    """How a Postgres type changed. Only within a family is one type wider than another (integers, floats, texts by
    length, numerics by digits, times by precision, arrays of these): from date to timestamp is another thing."""
    if old.endswith("[]") and new.endswith("[]"):
        return type_step(old.removesuffix("[]"), new.removesuffix("[]"))
    old_family, old_room = _measured(old)
    new_family, new_room = _measured(new)
    if old_family != new_family:
        return "other"
    if old_room == new_room:
        return "same"
    if all(one <= other for one, other in zip(old_room, new_room, strict=True)):
        return "wider"
    if all(one >= other for one, other in zip(old_room, new_room, strict=True)):
        return "narrower"
    return "other"


def _measured(type_: str) -> tuple[str, tuple[int, ...]]:
    """A type's family, and how much it holds in each respect; types of one family have the same respects."""
    found = _TYPE.match(" ".join(type_.lower().split()))
    if found is None:
        return type_, ()
    base = _ALIASES.get(found["base"] + (found["zone"] or ""), found["base"] + (found["zone"] or ""))
    sizes = [int(size) for size in found["sizes"].split(",")] if found["sizes"] else []
    for ladder in _LADDERS:
        if base in ladder:
            return ladder[0], (ladder.index(base),)
    if base == "text":
        return "text", (_WITHOUT_LIMIT, 1)
    if base == "character varying":
        return "text", (sizes[0] if sizes else _WITHOUT_LIMIT, 0)
    if base == "numeric":
        digits, scale = (sizes[0], sizes[1] if len(sizes) > 1 else 0) if sizes else (2 * _WITHOUT_LIMIT, _WITHOUT_LIMIT)
        return "numeric", (digits - scale, scale)
    if base.startswith(("timestamp", "time", "interval")):
        return base, (sizes[0] if sizes else _MICROSECONDS,)
    return f"{base}{sizes or ''}", ()


# -------------------------------------------------------------------------------------------------------- changes


def compare(old: Interface, new: Interface) -> list[Change]:
    """What changed for readers; empty where nothing did. Versions and status are left out."""
    return [*_of_the_whole(old, new), *_columns(old, new), *_arguments(old, new), *_rules(old, new)]


def _of_the_whole(old: Interface, new: Interface) -> Iterator[Change]:
    if old.name != new.name:
        yield Change(f"{old.name} is {new.name} now", True)
    if old.kind != new.kind:
        yield Change(f"a {old.kind} became a {new.kind}", "function" in (old.kind, new.kind))
    if old.grain != new.grain:
        yield Change(f"grain was “{old.grain}”, is “{new.grain}”", True)
    if old.key != new.key:
        yield Change(f"key was ({', '.join(old.key)}), is ({', '.join(new.key)})", True)


def _columns(old: Interface, new: Interface) -> Iterator[Change]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    for name in before.keys() - after.keys():
        yield Change(f"column {name} is gone", True)
    for name, column in after.items():
        if name in before:
            yield from _column(before[name], column)
        else:
            yield Change(f"column {name} {column.type} is new", False)
    # A table's columns are asked for by name; those of views and functions have an order that readers see.
    kept = [name for name in before if name in after]
    if new.kind != "table" and [*after][: len(kept)] != kept:
        yield Change(f"columns have another order: {', '.join(after)}", True)


def _column(old: Column, new: Column) -> Iterator[Change]:
    step = type_step(old.type, new.type)
    if step != "same":
        how = {"wider": "was widened", "narrower": "was narrowed", "other": "changed"}[step]
        yield Change(f"column {old.name} {how} from {old.type} to {new.type}", step != "wider")
    if old.required != new.required:
        yield Change(f"column {old.name} may {'no longer' if new.required else 'now'} be empty", old.required)
    if old.unit != new.unit:
        yield Change(f"column {old.name} was in {old.unit}, is in {new.unit}", old.unit is not None)


def _arguments(old: Interface, new: Interface) -> Iterator[Change]:
    before = [one.name for one in old.arguments]
    after = {one.name: one for one in new.arguments}
    for name in before:
        if name not in after:
            yield Change(f"argument {name} is gone", True)
    for one in old.arguments:
        if one.name in after:
            yield from _argument(one, after[one.name])
    for one in new.arguments:
        if one.name not in before:
            yield Change(f"argument {one.name} {one.type} is new", one.default is None)
    kept = [name for name in before if name in after]
    if [*after][: len(kept)] != kept:
        yield Change(f"arguments have another order: {', '.join(after)}", True)


def _argument(old: Argument, new: Argument) -> Iterator[Change]:
    step = type_step(old.type, new.type)
    if step != "same":
        yield Change(f"argument {old.name} changed from {old.type} to {new.type}", step != "wider")
    if old.default != new.default:
        yield Change(
            f"argument {old.name} had {old.default or 'no default'}, has {new.default or 'none'}",
            old.default is not None,
        )


def _rules(old: Interface, new: Interface) -> Iterator[Change]:
    """Other rows come through: no reader's statement breaks, and what it finds is another thing."""
    if old.rules is None or new.rules is None:
        return
    before = {rule.name: rule.severity for rule in old.rules}
    after = {rule.name: rule.severity for rule in new.rules}
    for name in sorted(before.keys() | after.keys()):
        was, is_ = before.get(name), after.get(name)
        if was is None:
            yield Change(f"rule {name} is new, or has severity {is_} now", False)
        elif is_ is None:
            yield Change(f"rule {name} is gone, or only warns now", False)
        elif was != is_:
            yield Change(f"rule {name} had severity {was}, has {is_}", False)


# ------------------------------------------------------------------------------------------------------- versions


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def refusals(record: Mapping[str, Published], present: Mapping[str, Interface]) -> list[str]:
    """Why what is present may not follow the record: versions that do not tell what changed, and datasets that are
    gone without having been retired. One sentence each, beginning with the dataset."""
    found = []
    for name in sorted(record):
        old = record[name].interface
        if name not in present:
            if old.status not in ENDED:
                found.append(f"{name}: the dataset is gone, and was not published as `status: retired` before")
            continue
        new = present[name]
        changes = compare(old, new)
        before, after = _numbers(old.version), _numbers(new.version)
        broken = [change.what for change in changes if change.breaks]
        if broken and after[0] <= before[0]:
            wanted = f"{before[0] + 1}.0.0"
            found += (f"{name}: {what}: this breaks readers; version {new.version} must be {wanted}" for what in broken)
        elif changes and after[:2] <= before[:2]:
            wanted = f"{before[0]}.{before[1] + 1}.0"
            found += (f"{name}: {one.what}: version {new.version} must be at least {wanted}" for one in changes)
        elif after < before:
            found.append(f"{name}: version {new.version} is lower than {old.version}, which was published")
    return found


def unpublished(record: Mapping[str, Published], present: Mapping[str, Interface]) -> list[str]:
    """What differs from the record at all. One sentence each, beginning with the dataset."""
    found = []
    for name in sorted(record.keys() | present.keys()):
        if name not in record:
            found.append(f"{name}: the dataset is new")
        elif name not in present:
            if record[name].interface.status != "gone":
                found.append(f"{name}: the dataset is gone")
        elif record[name].interface != present[name]:
            told = [change.what for change in compare(record[name].interface, present[name])]
            found.append(f"{name}: {'; '.join(told) or 'version, status or words changed'}")
    return found


def check(record: Mapping[str, Published], present: Mapping[str, Interface]) -> list[str]:
    """What has to be mended before the contracts may be merged; empty where nothing has."""
    if refused := refusals(record, present):
        return refused
    return [f"{one}: not published, run `lanecast contract publish`" for one in unpublished(record, present)]


def published_now(record: Mapping[str, Published], present: Mapping[str, Interface], today: date) -> Record:
    """The record with what is present as its newest versions. Raises ContractError where a version forbids it."""
    if refused := refusals(record, present):
        raise ContractError("not published:\n- " + "\n- ".join(refused))
    new: Record = {}
    for name in sorted(record.keys() | present.keys()):
        old = record.get(name)
        if name not in present:
            assert old is not None
            there = msgspec.structs.replace(old.interface, status="gone")
            told: tuple[str, ...] = ("the dataset is gone",)
        else:
            there = present[name]
            told = tuple(change.what for change in compare(old.interface, there)) if old else ("the dataset is new",)
        if old is not None and old.interface == there:
            new[name] = old
            continue
        if old is not None and old.interface.status != there.status and name in present:
            told = (*told, f"status was {old.interface.status}, is {there.status}")
        history = old.history if old else ()
        new[name] = Published(there, (*history, Version(there.version, today, told)))
    return new


# --------------------------------------------------------------------------------------------------------- record


def path() -> Path:
    """Where the record lies."""
    return settings.include() / "contracts" / "published.json"


def of_today() -> dict[str, Interface]:
    """The interfaces of today's contracts."""
    return {name: interface(contract(name)) for name in datasets()}


def parse(text: str | bytes) -> Record:
    """The record from its JSON. Raises ContractError."""
    try:
        return msgspec.json.decode(text, type=Record)
    except msgspec.DecodeError as error:
        raise ContractError(f"{path()}: {error}; take it back to its last committed state") from None


def dump(record: Mapping[str, Published]) -> str:
    """The record as JSON with one column a line, so that a diff shows what changed."""
    parts = []
    for name, one in sorted(record.items()):
        told = msgspec.to_builtins(one)
        lines = [f"{_json(key)}: {_json(value)}" for key, value in told["interface"].items() if key not in _LISTS]
        lists = {key: told["interface"][key] for key in _LISTS}
        lines += (f"{_json(key)}: [{_rows(rows, 6)}]" for key, rows in lists.items() if rows is not None)
        inner = ",\n      ".join(lines)
        history = _rows(told["history"], 4)
        parts.append(
            f'  {_json(name)}: {{\n    "interface": {{\n      {inner}\n    }},\n    "history": [{history}]\n  }}'
        )
    return "{\n" + ",\n".join(parts) + "\n}\n"


_LISTS = ("columns", "arguments", "rules")


def _rows(values: list[object], indent: int) -> str:
    if not values:
        return ""
    between = f"\n{' ' * (indent + 2)}"
    return between + f",{between}".join(map(_json, values)) + f"\n{' ' * indent}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def recorded() -> Record:
    """The record as it is now; empty where there is none yet."""
    return parse(path().read_bytes()) if path().exists() else {}


def recorded_at(ref: str) -> Record:
    """The record where this checkout's history left that of the git ref, so that editing contract and record alike
    hides nothing. Raises NoComparison where git, the ref, a common commit or the record is not to be had."""
    try:
        base = _git("merge-base", "HEAD", ref).strip()
        return parse(_git("show", f"{base}:./{path().relative_to(settings.home())}"))
    except FileNotFoundError:
        raise NoComparison("git is not installed") from None
    except subprocess.CalledProcessError as error:
        why = (error.stderr or "").strip().splitlines()
        raise NoComparison(why[0] if why else f"{ref} and HEAD have no commit in common here") from None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(settings.home()), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
