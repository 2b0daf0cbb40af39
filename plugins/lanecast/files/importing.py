"""A file into staging: found, opened, mapped, read, copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lanecast.customers import keys
from lanecast.files.datasets import Key, Row, staged_rows
from lanecast.files.errors import FileError
from lanecast.files.joins import MissingFile, joined_records
from lanecast.files.mapping import DatasetMapping, From, Join, load_mapping
from lanecast.files.plan import Plan
from lanecast.files.reader import open_table
from lanecast.files.streams import Progress, file_name, is_url
from lanecast.files.table import Record, Table
from lanecast.files.targets import TARGETS
from lanecast.warehouse import staging
from lanecast.warehouse.connection import Connection


@dataclass(frozen=True)
class Description:
    """What a file is, as far as its beginning tells. `size` in bytes as it lies there, None where unknown."""

    name: str
    kind: str
    columns: tuple[str, ...]
    delimiter: str | None
    encoding: str | None
    compressed: bool
    size: int | None


class Copied(NamedTuple):
    """Rows copied into staging, and rows that the file held."""

    received: int
    source_count: int


def describe(path: str | Path) -> Description:
    """What the file at `path` is, and its columns. Raises FileError for a file that is no table."""
    with open_table(str(path)) as table:
        source = table.source
        columns = tuple(table.columns)
        return Description(
            source.name, table.kind, columns, table.delimiter, table.encoding, source.compressed, source.size
        )


def stage_file(
    link: Connection,
    batch: staging.Batch,
    dataset: str,
    path: str | Path,
    mapping: str | None = None,
    progress: Progress | None = None,
) -> Copied:
    """Copies the rows of a file (dataset as the command line names it) into the batch's table; returns their numbers.

    Raises FileError, before anything is copied, for a file or mapping that can't be used.
    """
    names_customers = "customer_id" in TARGETS[dataset].columns
    key = partial(keys.customer_key, keys.secret()) if names_customers else None
    with open_rows(dataset, path, mapping, progress, key) as rows:
        received = staging.copy_rows(link, batch, rows)
        return Copied(received, rows.source_count)


class FileRows:
    """The staged rows of a file, to be run through once; `source_count` then tells how many rows the file held."""

    def __init__(self, table: Table) -> None:
        self._held = table.held
        self._read = 0
        self._problems = 0
        self._rows: Iterator[Row] = iter(())
        table.records = self._counted(table.records)

    def give(self, rows: Iterator[Row], problems: int) -> None:
        """Sets the rows, and the number of rows of joined files that could not be read."""
        self._rows, self._problems = rows, problems

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def __next__(self) -> Row:
        return next(self._rows)

    @property
    def source_count(self) -> int:
        """Rows of the main file, as the file itself says (Parquet) or as counted where they were read; and the rows of
        joined files that could not be read, for each is told."""
        return (self._read if self._held is None else self._held) + self._problems

    def _counted(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            self._read += 1
            yield record


@contextmanager
def open_rows(
    dataset: str,
    path: str | Path,
    mapping: str | None = None,
    progress: Progress | None = None,
    key: Key | None = None,
) -> Iterator[FileRows]:
    """The staged rows of a file, and of those that its mapping joins to it. Header and mapping are checked here.

    `key` makes customers' keys: what goes into a warehouse must have one. Without it customers stay as the file calls
    them.
    """
    chosen = load_mapping(mapping, dataset)
    files = _Files(str(path), chosen)
    with files.open(None, _expected(chosen.columns | chosen.features, chosen.joined), progress) as table:
        rows = FileRows(table)
        columns, records, problems = joined_records(table, chosen.joined, files.open)
        plan = Plan(chosen, table, columns)
        rows.give(staged_rows(chosen.target.staged, plan, records, problems, key), len(problems))
        yield rows


class _Files:
    """Finds the files of a mapping: PATH is the main file, another of its files, or the folder that holds them."""

    def __init__(self, path: str, mapping: DatasetMapping) -> None:
        self._mapping = mapping
        folder = not is_url(path) and Path(path).is_dir()
        self._folder = path.rstrip("/") if folder else path.rpartition("/")[0] or "."
        if folder and mapping.file is None:
            raise FileError(f"{path} is a folder: name a file, or give a mapping (--mapping) that names its files")
        named = _bare(file_name(path))
        if mapping.file is not None and (folder or (named in mapping.files() and named != _bare(mapping.file))):
            path = self._find(mapping.file)
        self._main = path

    def open(self, name: str | None, expected: tuple[str, ...], progress: Progress | None = None) -> Table:
        """A file of the mapping, by name; None is the main file."""
        return open_table(
            self._main if name is None else self._find(name),
            delimiter=self._mapping.delimiter,
            encoding=self._mapping.encoding,
            expected=expected,
            progress=progress,
        )

    def _find(self, name: str) -> str:
        for candidate in (name, f"{name}.gz"):
            path = f"{self._folder}/{candidate}"
            if _exists(path):
                return path
        raise MissingFile(
            f"{self._folder} has no {name} (nor {name}.gz), which {self._mapping.name} joins: put the file there"
        )


def _exists(path: str) -> bool:
    if not is_url(path):
        return Path(path).is_file()
    import fsspec

    system, inner = fsspec.core.url_to_fs(path)
    return bool(system.exists(inner))


def _bare(name: str) -> str:
    return name.removesuffix(".gz")


def _expected(columns: dict[str, From], joined: dict[str, tuple[Join, object]]) -> tuple[str, ...]:
    names = [name for spec in columns.values() for name in spec.names()]
    names += [join.match for join, _ in joined.values()]
    own = [name for name in names if name.partition(".")[0] not in joined]
    return tuple(dict.fromkeys(own))
