"""Parquet, in batches: memory is one batch of rows and the column chunks that it is cut from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from lanecast.files.errors import FileError
from lanecast.files.jsonlines import text_of
from lanecast.files.streams import Source
from lanecast.files.table import Record, Table, checked_columns, quoted

_BATCH = 4096


def open_parquet(source: Source) -> Table:
    """The file as a table; a record's line is its row, from 1.

    Raises FileError for a file that is cut off or damaged at its end, where Parquet keeps its index.
    """
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    if source.compressed:
        raise FileError(f"{source.name} is a Parquet file inside gzip: unpack it")
    try:
        file = parquet.ParquetFile(source.file, pre_buffer=False)
    except (arrow.ArrowException, OSError) as error:
        raise FileError(f"{source.name} is cut off, or no whole Parquet file: {_short(error)}") from None
    columns = checked_columns([str(name) for name in file.schema_arrow.names], source.name)
    return Table("parquet", source, columns, _records(file, source), held=file.metadata.num_rows)


def _records(file: Any, source: Source) -> Iterator[Record]:
    import pyarrow as arrow

    row = 0
    rows_in_all = max(file.metadata.num_rows, 1)
    for group in range(file.num_row_groups):
        end = row + file.metadata.row_group(group).num_rows
        try:
            for batch in file.iter_batches(batch_size=_BATCH, row_groups=[group]):
                texts = [_texts(column) for column in batch.columns]
                for fields in zip(*texts, strict=True):
                    row += 1
                    if any("\0" in field for field in fields):
                        yield row, list(fields), f"row {row}: it holds a NUL"
                    else:
                        yield row, list(fields), None
                if source.size:
                    source.report(source.size * row // rows_in_all)
        except (arrow.ArrowException, OSError, UnicodeDecodeError, ValueError, OverflowError) as error:
            problem = f"row group {group + 1} is damaged ({_short(error)})"
            while row < end:
                row += 1
                yield row, [], f"row {row}: {problem}"


def _texts(column: Any) -> list[str]:
    return [_text(value) for value in column.to_pylist()]


def _text(value: object) -> str:
    if isinstance(value, (datetime, date)):
        return "" if value != value else value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return text_of(value)


def _short(error: Exception) -> str:
    return quoted(str(error).splitlines()[0] if str(error) else type(error).__name__)
