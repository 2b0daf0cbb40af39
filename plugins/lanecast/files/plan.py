"""How a file's fields become texts, and texts values: settled once per file, so that a row costs little."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import msgspec

from lanecast.files.errors import FileError, MappingError
from lanecast.files.joins import missing_column
from lanecast.files.mapping import PLACEHOLDER, DatasetMapping, From
from lanecast.files.table import Table, quoted
from lanecast.files.times import event_time_converter, timestamp_converter
from lanecast.files.values import (
    Converter,
    Defect,
    carrier,
    country,
    customer,
    json_number,
    lower,
    milestone,
    number,
    place,
    plain,
    read_as,
    repeated,
    tracking_number,
    truth,
    upper,
)

CONVERTERS: dict[str, Converter] = {
    "tracking_number": tracking_number,
    "carrier": carrier,
    "origin_country": country,
    "destination_country": country,
    "country": country,
    "origin_region": upper,
    "destination_region": upper,
    "region": upper,
    "milestone": milestone,
    "code": repeated,
    "description": repeated,
    "city": repeated,
    "service": repeated,
    "currency": upper,
    "kind": lower,
    "status": lower,
    "customer_id": customer,
    "quantity": number,
    "line_number": place,
    "unit_price": number,
    "value": number,
    "is_available": truth,
    "stock_quantity": number,
    "category": repeated,
}
"""By target column; the others are plain text, or times."""

_NONE: Converter = dict[str, object]().get


class Plan:
    """Reads the target columns, and features, out of a record's fields."""

    def __init__(self, mapping: DatasetMapping, table: Table, columns: list[str]) -> None:
        self._mapping = mapping
        self._table = table
        self._columns = columns
        self._derived: list[Callable[[list[str]], str]] = []
        self.names = [*mapping.target.columns, *mapping.features]
        sources = {**mapping.columns}
        if mapping.own_names:
            sources = self._by_own_names()
        self._require(sources)
        self.sources = sources
        """Where each target column comes from."""
        specs = [sources.get(name) for name in mapping.target.columns] + list(mapping.features.values())
        self.converters = [
            self._converter(name, spec, position >= len(mapping.target.columns))
            for position, (name, spec) in enumerate(zip(self.names, specs, strict=True))
        ]
        slots = [self._slot(name, spec) for name, spec in zip(self.names, specs, strict=True)]
        # Fields that are made (templates, constants, nothing) stand behind the row's own, so they count from its end.
        # The last one is empty: what is neither in the file nor made.
        self._made = len(self._derived) + 1
        self._pick = itemgetter(*[at if made is None else made - self._made for at, made in slots])
        self.used = frozenset(name for spec in specs if spec for name in spec.names())
        """The table's columns that anything is made of."""
        self._used = self.used | mapping.drop
        self._extras: list[tuple[int, str]] = []
        self._extras_of = -1

    def read(self, fields: list[str]) -> tuple[list[Any], str | None]:
        """Values in the order of `names`, and what was unreadable: its column, its text and why. Extends `fields`."""
        for derive in self._derived:
            fields.append(derive(fields))
        fields.append("")
        texts = self._pick(fields)
        try:
            return [convert(text) for convert, text in zip(self.converters, texts, strict=True)], None
        except (Defect, OverflowError):
            return self._read_around_defects(texts)

    def attributes(self, fields: list[str], values: list[Any]) -> str | None:
        """Features and extra columns of a record that was read, as JSON."""
        first = len(self._mapping.target.columns)
        found: dict[str, object] = {
            name: value
            for name, value in zip(self.names[first:], values[first:], strict=True)
            if value is not None and value != ""
        }
        if self._mapping.keep_extra:
            if self._extras_of != len(self._columns):
                self._find_extras()
            end = len(fields) - self._made
            for at, name in self._extras:
                if at < end and fields[at]:
                    found.setdefault(name, fields[at])
        return msgspec.json.encode(found).decode() if found else None

    def _read_around_defects(self, texts: tuple[str, ...]) -> tuple[list[Any], str]:
        values: list[Any] = []
        problems: list[str] = []
        for name, convert, text in zip(self.names, self.converters, texts, strict=True):
            try:
                values.append(convert(text))
            except (Defect, OverflowError) as defect:
                why = str(defect) if isinstance(defect, Defect) else "out of the calendar"
                values.append(None)
                problems.append(f"{name}: {quoted(text)} ({why})")
        return values, "; ".join(problems)

    def _by_own_names(self) -> dict[str, From]:
        found: dict[str, From] = {}
        alike = {name.lower().replace(" ", "_"): name for name in reversed(self._columns)}
        for target in self._mapping.target.columns:
            name = target if target in self._columns else alike.get(target)
            if (name is not None and name not in self._table.missing) or (
                name is not None and self._table.kind == "json lines"
            ):
                found[target] = From(from_=name)
        return found

    def _require(self, sources: dict[str, From]) -> None:
        for group in self._mapping.target.required:
            given = [sources[name] for name in group if name in sources]
            if not any(set(spec.names()).isdisjoint(self._table.missing) for spec in given):
                there = [name for name in self._columns if name not in self._table.missing]
                raise FileError(missing_column(self._table.source.name, " or ".join(group), there))

    def _slot(self, name: str, spec: From | None) -> tuple[int, int | None]:
        """Where a target's text stands: at a field of the row, or at a field that is made."""
        if spec is None:
            return -1, None
        for column in spec.names():
            if column not in self._columns:
                asked = f"{self._mapping.name}, {name}"
                raise FileError(missing_column(self._table.source.name, column, self._columns, asked))
        if spec.from_ is not None:
            return self._columns.index(spec.from_), None
        self._derived.append(_constant(str(spec.value)) if spec.template is None else self._filled(spec.template))
        return 0, len(self._derived) - 1

    def _filled(self, template: str) -> Callable[[list[str]], str]:
        pieces = PLACEHOLDER.split(template)
        fixed = pieces[::2]
        at = [self._columns.index(name) for name in pieces[1::2]]

        def filled(fields: list[str]) -> str:
            text = fixed[0]
            for position, after in zip(at, fixed[1:], strict=True):
                part = fields[position].strip()
                if not part:
                    return ""
                text += part + after
            return text

        return filled

    def _converter(self, name: str, spec: From | None, feature: bool) -> Converter:
        if spec is None:
            return _NONE
        if feature:
            convert: Converter = json_number if spec.number else plain
        elif name in self._mapping.target.times:
            event = self._mapping.target.staged == "tracking_event"
            make = event_time_converter if event else timestamp_converter
            convert = make(self._mapping.zone, spec.formats)
        else:
            convert = CONVERTERS.get(name, plain)
        if spec.formats and name not in self._mapping.target.times:
            raise MappingError(f"{self._mapping.name}, {name}: formats are for times alone")
        return read_as(
            convert,
            spec.values,
            (*self._mapping.sentinels, *spec.sentinels),
            spec.sentinel_patterns,
            spec.value_patterns,
        )

    def _find_extras(self) -> None:
        self._extras_of = len(self._columns)
        self._extras = [(at, name) for at, name in enumerate(self._columns) if name not in self._used]


def _constant(text: str) -> Callable[[list[str]], str]:
    def constant(_: list[str]) -> str:
        return text

    return constant
