"""A quarantined row mended: columns that an operator sets, and what follows from them, as in the file reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from lanecast.customers import keys
from lanecast.files.datasets import UNKNOWN_CARRIER, interaction_hash, meaning_of
from lanecast.files.jsonlines import text_of
from lanecast.files.plan import CONVERTERS
from lanecast.files.table import quoted
from lanecast.files.targets import TARGETS
from lanecast.files.times import EventTime, event_time_converter, timestamp_converter
from lanecast.files.values import Defect, number, place_region, plain
from lanecast.quarantine.errors import QuarantineError
from lanecast.tracking import event_hash
from lanecast.warehouse.staging import COLUMNS

Row = dict[str, Any]

_MADE = frozenset(
    (
        *("staged_row", "source_line", "raw_answer_id", "unreadable", "source", "event_hash", "interaction_hash"),
        *("is_mapped", "clock_disagrees", "is_whole_order"),
    )
)
PATCHABLE: dict[str, tuple[str, ...]] = {
    dataset: tuple(name for name in columns if name not in _MADE) for dataset, columns in COLUMNS.items()
}
"""The columns that a patch may set, by dataset: those that a source gives. The others follow from them."""

_REQUIRED = {target.staged: target.required for target in TARGETS.values()}
_TIMES = {target.staged: target.times for target in TARGETS.values()}
_TIMES["order_line"] |= {"cancelled_at", "changed_in_shop_at"}  # storefronts tell more than files
_LARGEST_OFFSET = 840
# A column that could not be read stands before its text, as the file reader writes it.
_NAMED = re.compile(r"(?:^|; )([^:;']+): '")
_moment = timestamp_converter(UTC)
_event_time = event_time_converter(UTC)


def mend(dataset: str, row: Mapping[str, Any], changes: Mapping[str, object]) -> Row:
    """The columns of the staged row that change, made columns included. `row` is the row as it was put aside.

    Raises QuarantineError naming the column for one that can't be set, or a value that is none of its type.
    """
    given = {name: _value(dataset, name, value) for name, value in changes.items()}
    patch = {name: value for name, value in given.items() if name != "occurred_at" or dataset != "tracking_event"}
    if dataset == "tracking_event":
        patch |= _times(row, given)
    merged = {**row, **patch}
    if _is_mended(dataset, merged, given):
        patch["unreadable"] = merged["unreadable"] = None
    return patch | _FOLLOWS[dataset](row, merged, given)


def _value(dataset: str, name: str, value: object) -> Any:
    if name not in PATCHABLE[dataset]:
        raise QuarantineError(
            f"{dataset} has no column {quoted(name)} to set: there are {', '.join(PATCHABLE[dataset])}"
        )
    if value is None:
        return None
    try:
        read = _reader(dataset, name)(text_of(value))
    except (Defect, OverflowError) as defect:
        raise QuarantineError(f"{name}: {quoted(text_of(value))} ({defect})") from None
    if read is None:
        raise QuarantineError(f"{name}: nothing but blanks; to set it to null, write \\N (in JSON null)")
    return read


def _reader(dataset: str, name: str) -> Callable[[str], object]:
    if name == "customer_id":
        return _customer
    if name == "attributes":
        return _attributes
    if name in _TIMES[dataset]:
        return _event_time if dataset == "tracking_event" else _moment
    return {"reported_at": _clock, "utc_offset_minutes": _offset}.get(name) or CONVERTERS.get(name, plain)


def _customer(text: str) -> str | None:
    """A customer's key, be it told itself or by the shop's id."""
    bare = keys.bare_id(text)
    return bare if keys.is_key(bare) or not bare else keys.customer_key(keys.secret(), bare)


def _attributes(text: str) -> object:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Defect(f"not a JSON object: {error}") from None


def _clock(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Defect("not a local time like 2024-03-05T14:30") from None
    if moment.tzinfo is not None:
        raise Defect("a local time has no offset: set occurred_at, or utc_offset_minutes too")
    return moment.replace(second=0, microsecond=0).isoformat()


def _offset(text: str) -> int:
    told = number(text)
    if told is None or not told.lstrip("-").isdigit() or abs(int(told)) > _LARGEST_OFFSET:
        raise Defect(f"not whole minutes from -{_LARGEST_OFFSET} to {_LARGEST_OFFSET}")
    return int(told)


def _times(row: Mapping[str, Any], given: Mapping[str, Any]) -> Row:
    """occurred_at, reported_at, offset and how it is known, where one of them is set: the others follow."""
    if not {"occurred_at", "reported_at", "utc_offset_minutes"} & set(given):
        return {}
    if any(name in given and given[name] is None for name in ("occurred_at", "reported_at", "utc_offset_minutes")):
        return {"occurred_at": None} if "occurred_at" in given and given["occurred_at"] is None else {}
    told: EventTime | None = given.get("occurred_at")
    local = _as_clock(given.get("reported_at"))
    offset: int | None = given.get("utc_offset_minutes")
    known = "offset" if offset is not None else None
    instant = datetime.fromisoformat(told[1]).astimezone(UTC) if told else None
    if instant is not None and local is not None:
        if offset is None:
            apart = local - instant.replace(tzinfo=None, second=0, microsecond=0)
            offset = int(apart.total_seconds() // 60)
            if abs(offset) > _LARGEST_OFFSET:
                raise QuarantineError(f"reported_at and occurred_at are {apart} apart, which no clock on earth is")
            known = "offset"
    elif instant is not None and told is not None:
        if offset is None and (row.get("tz_known") != "assumed" or told[3] == "assumed"):
            offset = row.get("utc_offset_minutes")
        if offset is None:  # an offset that is told is better than an assumed one
            offset, known = told[2], told[3]
        local = (instant + timedelta(minutes=offset)).replace(tzinfo=None, second=0, microsecond=0)
    else:
        offset = row.get("utc_offset_minutes") if offset is None else offset
        before = _as_clock(row.get("reported_at"))
        local = before if local is None else local
        if offset is None:
            raise QuarantineError("reported_at is a local time: set utc_offset_minutes too, or occurred_at instead")
        if local is None:
            return {}
        instant = (local - timedelta(minutes=offset)).replace(tzinfo=UTC)
        was = row.get("occurred_at")
        if local == before and was is not None:  # another offset: the seconds are still those of the scan
            seconds = datetime.fromisoformat(was)
            instant = instant.replace(second=seconds.second, microsecond=seconds.microsecond)
    times = {
        "occurred_at": instant.isoformat(),
        "reported_at": local.isoformat(),
        "utc_offset_minutes": offset,
    }
    return times if known is None or "tz_known" in given else times | {"tz_known": known}


def _as_clock(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _is_mended(dataset: str, merged: Row, given: Mapping[str, Any]) -> bool:
    """Whether what could not be read is set now: the columns that are named; where none is, all that are required."""
    problem = merged.get("unreadable")
    if not problem:
        return False
    named = set() if merged.get("raw_answer_id") is not None else set(_NAMED.findall(problem))
    if named:
        return {name if name in PATCHABLE[dataset] else "attributes" for name in named} <= set(given)
    return all(any(merged.get(name) not in (None, "") for name in group) for group in _REQUIRED[dataset])


def _event(row: Mapping[str, Any], merged: Row, given: Mapping[str, Any]) -> Row:
    follows: Row = {}
    source = merged.get("source")
    if merged.get("raw_answer_id") is None and ("carrier" in given or source is None):
        source = follows["source"] = merged.get("carrier")
    code, description, country = merged.get("code"), merged.get("description"), merged.get("country")
    if {"country", "region"} & set(given) and merged.get("region") is not None:
        follows["region"] = place_region(country, merged["region"])
    told = (source, code, description)
    is_changed = told != (row.get("source"), row.get("code"), row.get("description"))
    if source is not None and (is_changed or row.get("event_hash") is None):
        follows["event_hash"] = event_hash(source, code, description)
    if given.get("milestone") is not None:
        follows["is_mapped"] = True
    elif source is not None and "milestone" not in given and (is_changed or row.get("milestone") is None):
        milestone, reason, follows["is_mapped"] = meaning_of(source, code, description, country)
        follows["milestone"] = milestone
        if "reason" not in given:
            follows["reason"] = reason
    if merged.get("clock_disagrees") is None:
        follows["clock_disagrees"] = False
    return follows


def _shipment(row: Mapping[str, Any], merged: Row, given: Mapping[str, Any]) -> Row:
    follows: Row = {}
    for end in ("origin", "destination"):
        if {f"{end}_country", f"{end}_region"} & set(given) and merged.get(f"{end}_region") is not None:
            follows[f"{end}_region"] = place_region(merged.get(f"{end}_country"), merged[f"{end}_region"])
    if merged.get("carrier") is None and merged.get("order_id") is not None:
        follows["carrier"] = UNKNOWN_CARRIER
    return follows


def _order_line(row: Mapping[str, Any], merged: Row, given: Mapping[str, Any]) -> Row:
    """A line that moves to another order gets a number there."""
    follows: Row = {}
    if {"country", "region"} & set(given) and merged.get("region") is not None:
        follows["region"] = place_region(merged.get("country"), merged["region"])
    moves = row.get("order_id") is not None and merged.get("order_id") != row["order_id"]
    if moves and "line_number" not in given:
        follows["line_number"] = None
    return follows


def _interaction(row: Mapping[str, Any], merged: Row, given: Mapping[str, Any]) -> Row:
    occurred_at = merged.get("occurred_at")
    values = [
        *(merged.get(name) for name in ("customer_id", "product_id", "kind")),
        _moment(text_of(occurred_at)) if occurred_at is not None else None,
        *(number(text_of(merged.get(name))) for name in ("quantity", "value")),
        merged.get("order_id"),
    ]
    return {"interaction_hash": interaction_hash(values)}


def _product(row: Mapping[str, Any], merged: Row, given: Mapping[str, Any]) -> Row:
    return {}


_FOLLOWS: dict[str, Callable[[Mapping[str, Any], Row, Mapping[str, Any]], Row]] = {
    "tracking_event": _event,
    "shipment": _shipment,
    "order_line": _order_line,
    "interaction": _interaction,
    "product": _product,
}
