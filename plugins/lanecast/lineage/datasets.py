"""Datasets by the names that the OpenLineage standard gives them, with their columns. No address holds a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lanecast.addresses import bare
from lanecast.contracts import reader
from lanecast.raw import RawAnswer
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.staging import COLUMNS

CARRIERS, RAW, FILE, STAGED, LOADED = "carriers", "raw", "file", "staged", "loaded"
ROLES = frozenset({CARRIERS, RAW, FILE, STAGED, LOADED})
"""What only the run knows: the carriers asked, their part of the raw store, the file imported, the staged rows, and
the tables of `core` that a load of those writes."""

LOADS: dict[str, tuple[str, ...]] = {
    "tracking_event": ("core.tracking_event", "core.shipment", "core.shipment_number"),
    "shipment": ("core.shipment", "core.shipment_number"),
    "order_line": ("core.order_line", "core.customer_order", "core.customer", "core.product"),
    "interaction": ("core.interaction", "core.customer", "core.product"),
    "product": ("core.product",),
}
"""The tables of `core` that the load of a staged dataset writes, its own first."""

_TABLE = re.compile(r"^(core|mart|quality|serving|ops)\.[a-z][a-z0-9_]*$")


@dataclass(frozen=True)
class Column:
    """A column; its type and meaning where a contract or the database tells them."""

    name: str
    type: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A dataset as OpenLineage names it. `table` is Lanecast's own name for it, such as `core.shipment`."""

    namespace: str
    name: str
    columns: tuple[Column, ...] = ()
    table: str = ""

    @property
    def bare_name(self) -> str:
        """The table's name without its schema."""
        return self.table.rpartition(".")[2]


def check(names: Iterable[str]) -> None:
    """Raises ValueError for a name that is neither a role nor a table, or a table of core or mart without contract."""
    for name in names:
        if name in ROLES:
            continue
        if not _TABLE.match(name):
            raise ValueError(
                f"{name!r} is no dataset: name a table (core.shipment) or one of {', '.join(sorted(ROLES))}"
            )
        if name.startswith(("core.", "mart.")) and not reader.path_of(name.partition(".")[2]).is_file():
            raise ValueError(f"{name!r} is no dataset: there is no contract of that name in include/contracts")


@dataclass(frozen=True)
class Warehouse:
    """Names the warehouse's tables: the namespace is the server, without user or password."""

    namespace: str
    database: str

    @classmethod
    def at(cls, address: str) -> Warehouse:
        """The warehouse at a `postgresql://` address."""
        parts = urlsplit(address)
        host = parts.hostname or "127.0.0.1"
        host = f"[{host}]" if ":" in host else host
        return cls(f"postgres://{host}:{parts.port or 5432}", parts.path.lstrip("/"))

    def table(self, table: str, columns: Iterable[Column] = ()) -> Dataset:
        """A table or view, `schema.name`; columns by its contract where it has one, else those given."""
        schema, _, name = table.partition(".")
        if schema in {"core", "mart"}:
            columns = _contracted(name)
        return Dataset(self.namespace, f"{self.database}.{table}", tuple(columns), table)

    def staged(self, dataset: str) -> Dataset:
        """A staged dataset, whichever run's: the tables are per run, and a graph of them would grow with each."""
        table = f"staging.{dataset}"
        columns = tuple(Column(name) for name in COLUMNS[dataset])
        return Dataset(self.namespace, f"{self.database}.{table}", columns, table)


def _contracted(dataset: str) -> Iterator[Column]:
    for column in reader.contract(dataset).table.properties:
        yield Column(column.name, column.physical_type, column.description)


def database_columns(link: Connection, table: str) -> tuple[Column, ...]:
    """The columns of a table as the database has them, for tables of Lanecast's own that have no contract."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            (table,),
        )
        return tuple(Column(*row) for row in cursor.fetchall())


def carrier(name: str) -> Dataset:
    """What a carrier or aggregator answers: no table, and no address either, for that may be a stand-in's."""
    return Dataset("lanecast://carriers", name)


def raw_store(root: str, source: str) -> Dataset:
    """The folder of the raw store in which a source's answers lie."""
    namespace, path = _place(root)
    columns = tuple(Column(name) for name in RawAnswer.__struct_fields__)
    return Dataset(namespace, f"{path.rstrip('/')}/{source}".lstrip("/" if namespace != "file" else ""), columns)


def file(path: str, columns: Iterable[str] = ()) -> Dataset:
    """A file or folder on this machine, or an address that fsspec reads."""
    namespace, name = _place(path)
    return Dataset(namespace, name, tuple(Column(column) for column in columns))


def _place(path: str) -> tuple[str, str]:
    """Namespace and name of a path or address; user, password and what follows a `?` are left out."""
    parts = urlsplit(bare(path)) if "://" in path else None
    if parts is None or parts.scheme == "file":
        return "file", str(Path(parts.path if parts else path).absolute())
    scheme = {"gcs": "gs", "s3a": "s3", "s3n": "s3"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}", parts.path.strip("/") or "/"
