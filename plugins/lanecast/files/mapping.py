"""Mappings: YAML files that say how someone else's columns become Lanecast's. Checked key by key before any file opens.

A mapping holds, beside `description`, `timezone`, `sentinels`, `delimiter` and `encoding`, one entry per dataset under
`datasets`. Each may name its `file`, `joined` files, `columns` (target: source), `features` (name: source, shipments
only), `keep_extra` and `drop`. A source is a column's name, or one of `from`, `value` and `template`, with `formats`
(strptime, or `iso`), `sentinels` (texts that mean none), `sentinel_patterns`, `values` (text: text), `value_patterns`
(regular expression of the whole text: text) and `number`.
A column of a joined file is written `alias.column`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from lanecast import settings
from lanecast.files.delimited import DELIMITERS
from lanecast.files.errors import MappingError
from lanecast.files.targets import TARGETS, Target

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_OFFSET = re.compile(r"^([+-])(\d{2}):?(\d{2})$")
_Part = TypeVar("_Part", bound=msgspec.Struct)


class From(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a target's text comes from, and how it is read. Exactly one of from, value and template is given."""

    from_: str | None = msgspec.field(default=None, name="from")
    value: str | int | float | None = None
    template: str | None = None
    formats: tuple[str, ...] = ()
    sentinels: tuple[str, ...] = ()
    sentinel_patterns: tuple[str, ...] = ()
    values: dict[str, str] = {}
    value_patterns: dict[str, str] = {}
    number: bool = False

    def names(self) -> list[str]:
        """The source columns that are read."""
        if self.template is not None:
            return PLACEHOLDER.findall(self.template)
        return [self.from_] if self.from_ is not None else []


class Join(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file looked up by key. Without `file` it is the main file itself, so that rows of one key can be summed up."""

    key: str
    match: str
    file: str | None = None
    lowest: str | None = None
    highest: str | None = None
    take: tuple[str, ...] = ()
    total: dict[str, str] = {}
    distinct: dict[str, str] = {}
    count: str | None = None
    joined: dict[str, Any] = {}
    optional: bool = False


class _Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    columns: dict[str, Any] = {}
    file: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    timezone: str | None = None
    sentinels: tuple[str, ...] = ()
    joined: dict[str, Any] = {}
    features: dict[str, Any] = {}
    keep_extra: bool = False
    drop: tuple[str, ...] = ()


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    datasets: dict[str, Any]
    description: str = ""
    timezone: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sentinels: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetMapping:
    """How one dataset's rows are made. Without a mapping, columns go by their own names."""

    target: Target
    name: str
    columns: dict[str, From]
    features: dict[str, From]
    joined: dict[str, tuple[Join, Any]]
    file: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    zone: tzinfo = UTC
    sentinels: tuple[str, ...] = ()
    keep_extra: bool = True
    drop: frozenset[str] = frozenset()
    own_names: bool = False

    def files(self) -> set[str]:
        """The names of all files that the mapping reads, without those it does not name."""
        named = {self.file} if self.file else set()
        waiting = [self.joined]
        while waiting:
            for join, inner in waiting.pop().values():
                named |= {join.file} if join.file else set()
                waiting.append(inner)
        return named


def load_mapping(mapping: str | None, dataset: str) -> DatasetMapping:
    """The mapping of a dataset: by name (include/mappings/<name>.yaml), by path, or None for a file with our names.

    Raises MappingError naming the mapping and the key that is wrong.
    """
    if dataset not in TARGETS:
        raise MappingError(f"there is no dataset {dataset!r}: known are {', '.join(TARGETS)}")
    target = TARGETS[dataset]
    if mapping is None:
        own = {column: From(from_=column) for column in target.columns}
        return DatasetMapping(target, "none", own, {}, {}, keep_extra=target.extras, own_names=True)
    path = _path(mapping)
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"mapping {path.name} is not YAML: {' '.join(str(error).split())}") from None
    return _dataset(parsed, target, f"mapping {path.name}")


def _path(mapping: str) -> Path:
    path = Path(mapping)
    if path.is_file():
        return path
    folder = settings.include() / "mappings"
    named = folder / f"{mapping}.yaml"
    if re.fullmatch(r"[A-Za-z0-9_-]+", mapping) and named.is_file():
        return named
    known = ", ".join(sorted(found.stem for found in folder.glob("*.yaml")))
    raise MappingError(f"there is no mapping {mapping!r}: give the path of a YAML file, or one of: {known}")


def _dataset(parsed: object, target: Target, where: str) -> DatasetMapping:
    document = _struct(_Document, parsed, where)
    if target.dataset not in document.datasets:
        has = ", ".join(document.datasets)
        raise MappingError(f"{where} has no entry datasets.{target.dataset}: it maps {has}")
    unknown = sorted(set(document.datasets) - set(TARGETS))
    if unknown:
        raise MappingError(f"{where}, datasets.{unknown[0]}: no such dataset; known are {', '.join(TARGETS)}")
    at = f"{where}, datasets.{target.dataset}"
    entry = _struct(_Dataset, document.datasets[target.dataset], at)
    columns = {name: _source(spec, f"{at}.columns.{name}") for name, spec in entry.columns.items()}
    for name in columns:
        if name not in target.columns:
            raise MappingError(f"{at}.columns.{name}: no such column; known are {', '.join(target.columns)}")
    for group in target.required:
        if not set(group) & set(columns):
            raise MappingError(f"{at}.columns: {' or '.join(group)} is missing")
    if not target.extras and (entry.features or entry.keep_extra):
        raise MappingError(f"{at}: features and keep_extra are for shipments alone")
    return DatasetMapping(
        target=target,
        name=where,
        columns=columns,
        features={name: _source(spec, f"{at}.features.{name}") for name, spec in entry.features.items()},
        joined=_joined(entry.joined, f"{at}.joined"),
        file=entry.file,
        delimiter=_delimiter(entry.delimiter or document.delimiter, at),
        encoding=entry.encoding or document.encoding,
        zone=_zone(entry.timezone or document.timezone, at),
        sentinels=(*document.sentinels, *entry.sentinels),
        keep_extra=entry.keep_extra,
        drop=frozenset(entry.drop),
    )


def _struct(kind: type[_Part], value: object, where: str) -> _Part:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.__struct_encode_fields__)
        text = str(error).replace("`$.", "`")
        raise MappingError(f"{where}: {text}; known keys are {known}") from None


def _source(value: object, where: str) -> From:
    if isinstance(value, str):
        return From(from_=value)
    spec = _struct(From, value, where)
    if sum(part is not None for part in (spec.from_, spec.value, spec.template)) != 1:
        raise MappingError(f"{where}: give exactly one of from, value and template")
    if spec.template is not None and not spec.names():
        raise MappingError(f"{where}.template: it names no column, such as {{state}}; use value for a fixed text")
    for key in ("sentinel_patterns", "value_patterns"):
        for pattern in getattr(spec, key):
            try:
                re.compile(pattern)
            except re.error as error:
                raise MappingError(f"{where}.{key}: {pattern!r} is no regular expression ({error})") from None
    for form in spec.formats:
        if form != "iso" and not {"%d", "%y"} <= {letters.lower() for letters in re.findall(r"%-?[a-zA-Z]", form)}:
            raise MappingError(f"{where}.formats: {form!r} has no day and year; write it as strptime does, or iso")
    return spec


def _joined(given: dict[str, Any], where: str) -> dict[str, tuple[Join, Any]]:
    joined = {}
    for alias, value in given.items():
        join = _struct(Join, value, f"{where}.{alias}")
        if join.lowest and join.highest:
            raise MappingError(f"{where}.{alias}: give lowest or highest, not both")
        joined[alias] = (join, _joined(join.joined, f"{where}.{alias}.joined"))
    return joined


def _delimiter(text: str | None, where: str) -> str | None:
    if text is None:
        return None
    delimiter = DELIMITERS.get(text, text)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise MappingError(f"{where}.delimiter: {text!r} is none; give one character or {', '.join(DELIMITERS)}")
    return delimiter


def _zone(text: str | None, where: str) -> tzinfo:
    if text is None:
        return UTC
    if found := _OFFSET.match(text):
        minutes = int(found[2]) * 60 + int(found[3])
        if minutes <= 840:
            return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MappingError(
            f"{where}.timezone: {text!r} is no time zone; write it as '-03:00' (in quotes) or America/Sao_Paulo"
        ) from None
