"""The sources of a shop, as `include/storefronts.yaml` declares them, checked key by key. No secret belongs there.

`LANECAST_STOREFRONTS` names another file. Each source has a `kind`, `streams`, and what its kind takes: see
docs/adding-a-storefront.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from lanecast import settings
from lanecast.carriers.places import country_names
from lanecast.storefronts.base import API_STREAMS, Stream

Kind = Literal["shopify", "woocommerce", "sql", "files"]
KINDS: tuple[Kind, ...] = ("shopify", "woocommerce", "sql", "files")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
SINCE = "{since}"
SANDBOX = "{sandbox}"


class ConfigError(ValueError):
    """The file of sources can't be used: names the file, the source and the key."""


class TableStream(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stream of a `sql` or `files` source.

    sql: `query`, with `:watermark` bound, in the order of the column `watermark`; `ids`, a query of all product ids.
    files: `paths`, each a path, a glob pattern or an address, with `{since}` where the watermark goes.
    Both: `mapping` (as for imports; its timezone is that of all times without offset), `cancelled` (the column that
    holds when an order was cancelled) and `whole_orders` (the rows of an order are always all of it).
    """

    query: str | None = None
    watermark: str | None = None
    ids: str | None = None
    paths: tuple[str, ...] = ()
    mapping: str | None = None
    cancelled: str | None = None
    whole_orders: bool = False


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source. Times in minutes and hours."""

    name: str
    kind: Kind
    streams: dict[Stream, TableStream]
    connection: str
    origin: str | None = None
    currency: str | None = None
    overlap_minutes: float = 15.0
    listing_hours: float = 24.0


class _Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    kind: Kind
    streams: dict[Stream, TableStream | None] | list[Stream]
    connection: str | None = None
    origin: str | None = None
    currency: str | None = None
    overlap_minutes: float = 15.0
    listing_hours: float = 24.0


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    sources: dict[str, Any]


def sources(path: Path | None = None) -> dict[str, Source]:
    """All sources by name, in the order of the file. ConfigError where the file can't be used."""
    path = path or settings.storefronts()
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: LANECAST_STOREFRONTS names the file of sources") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    document = _struct(_Document, parsed, str(path))
    return {name: _source(name, told, f"{path}, sources.{name}") for name, told in document.sources.items()}


def source(name: str) -> Source:
    """The source of that name. ConfigError lists the known ones."""
    known = sources()
    if name not in known:
        raise ConfigError(f"no source is called {name!r}: {settings.storefronts()} declares {', '.join(known)}")
    return known[name]


def _struct(kind: Any, told: object, where: str) -> Any:
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.__struct_encode_fields__)
        raise ConfigError(f"{where}: {str(error).replace('`$.', '`')}; known keys are {known}") from None


def _source(name: str, told: object, where: str) -> Source:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{where}: a source's name has the letters a to z, digits and _, and begins with a letter")
    declared: _Declared = _struct(_Declared, told, where)
    given = declared.streams
    streams = {stream: TableStream() for stream in given} if isinstance(given, list) else dict(given)
    settled = {stream: one or TableStream() for stream, one in streams.items()}
    if not settled:
        raise ConfigError(f"{where}.streams: name at least one of products, orders, interactions, shipments")
    for stream, one in settled.items():
        _check(declared.kind, stream, one, f"{where}.streams.{stream}")
    if declared.origin is not None and declared.origin not in country_names():
        raise ConfigError(f"{where}.origin: {declared.origin!r} is no country's ISO 3166-1 alpha-2 code")
    if declared.currency is not None and not re.fullmatch(r"[A-Z]{3}", declared.currency):
        raise ConfigError(f"{where}.currency: {declared.currency!r} is no ISO 4217 code")
    if not (0 <= declared.overlap_minutes <= 10_080 and 1 <= declared.listing_hours <= 8_760):
        raise ConfigError(f"{where}: overlap_minutes is 0 to 10080, listing_hours 1 to 8760")
    return Source(
        name=name,
        kind=declared.kind,
        streams=settled,
        connection=declared.connection or f"lanecast_{name}",
        origin=declared.origin,
        currency=declared.currency,
        overlap_minutes=declared.overlap_minutes,
        listing_hours=declared.listing_hours,
    )


def _check(kind: Kind, stream: Stream, one: TableStream, where: str) -> None:
    if kind in ("shopify", "woocommerce"):
        if stream not in API_STREAMS:
            raise ConfigError(f"{where}: a {kind} shop tells {' and '.join(API_STREAMS)}; parcels come with orders")
        if one != TableStream():
            raise ConfigError(f"{where}: a {kind} shop's stream has no keys: what is asked is fixed")
        return
    if (kind == "sql") != (one.query is not None):
        raise ConfigError(f"{where}.query: {'is missing' if kind == 'sql' else 'is for sql sources alone'}")
    if (kind == "files") != bool(one.paths):
        raise ConfigError(f"{where}.paths: {'is missing' if kind == 'files' else 'is for files sources alone'}")
    if one.query is not None:
        if one.watermark is None or not _COLUMN.fullmatch(one.watermark):
            raise ConfigError(f"{where}.watermark: name the column of the query that tells when a row was changed")
        if ":watermark" not in one.query:
            raise ConfigError(f"{where}.query: it has no :watermark, so that each run would read everything")
    if one.ids is not None and (kind, stream) != ("sql", "products"):
        raise ConfigError(f"{where}.ids: is for products of sql sources alone")
    if (one.cancelled is not None or one.whole_orders) and stream != "orders":
        raise ConfigError(f"{where}: cancelled and whole_orders are for orders alone")
