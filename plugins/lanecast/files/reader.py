"""Opens a file of any known format as a table."""

from __future__ import annotations

from collections.abc import Collection

from lanecast.files.delimited import open_delimited
from lanecast.files.jsonlines import open_json_lines
from lanecast.files.parquet import open_parquet
from lanecast.files.sniff import kind_of
from lanecast.files.streams import Progress, Source
from lanecast.files.table import Table


def open_table(
    path: str,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    expected: Collection[str] = (),
    progress: Progress | None = None,
) -> Table:
    """The file at `path` (local, or an fsspec URL): CSV or a relative, JSON Lines, each also in gzip, or Parquet.

    What it is, is told from its bytes. Rows come in bounded memory, each with its line; a row that can't be split into
    columns comes with its problem, and so does the end of a file that is cut off. Raises FileError for a file that is
    no table.
    """
    source = Source(path, progress)
    try:
        kind = kind_of(source.head, source.name)
        if kind == "parquet":
            return open_parquet(source)
        if kind == "json lines":
            return open_json_lines(source, expected)
        return open_delimited(source, delimiter, encoding, expected)
    except BaseException:
        source.close()
        raise
