"""CSV and its relatives, record by record: a bad line costs that line, never the ones after it.

Parsing is the standard library's, strict: quotes doubled inside quotes, records may span lines. A quote that opens and
never closes would swallow the rest of the file; where a record of several lines doesn't fit the header, its first line
alone is given up, and reading goes on at the next line.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Collection, Iterator

from lanecast.files.errors import FileError
from lanecast.files.sniff import unicode_mark
from lanecast.files.streams import Source
from lanecast.files.table import Record, Table, checked_columns, clean

DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
LONGEST_LINE = 1 << 20
"""A line beyond this many characters is unreadable."""
MOST_LINES = 100
"""A record of more lines than this is taken for a quote that never closes."""
_TOO_LONG = "\ud800"
_BUFFER = 1 << 18


class _Runaway(Exception):
    """A record has run over more lines than a record may have."""


class _Lines:
    """Physical lines, those handed out since the last finished record kept in `pending`."""

    def __init__(self, text: io.TextIOWrapper, source: Source) -> None:
        self._readline = text.readline
        self._source = source
        self.pending: list[str] = []
        self.back: deque[str] = deque()

    def stream(self) -> Iterator[str]:
        pending, back, readline = self.pending, self.back, self._readline
        while True:
            if back:
                line = back.popleft()
            else:
                line = readline(LONGEST_LINE)
                if not line:
                    return
                if line[-1] not in "\r\n":
                    line = self._without_end(line)
                    if not line:
                        return
            pending.append(line)
            if len(pending) > MOST_LINES:
                raise _Runaway
            yield line

    def _without_end(self, line: str) -> str:
        """The last line of a file, or one that is too long; nothing where the file is cut off inside it."""
        if len(line) >= LONGEST_LINE:
            self._source.suspicious = True
            while (more := self._readline(LONGEST_LINE)) and more[-1] not in "\r\n":
                pass
            return f"{_TOO_LONG}{line[:1000]}\n".replace('"', "'")
        if self._source.broken:
            return ""
        return line


def open_delimited(
    source: Source, delimiter: str | None = None, encoding: str | None = None, expected: Collection[str] = ()
) -> Table:
    """The file as a table. `delimiter` None is found out, with the help of the `expected` column names.

    Raises FileError for a header that can't be read.
    """
    mark = unicode_mark(source.head)
    chosen = mark or encoding or "utf-8"
    if chosen not in ("utf-8", "utf-8-sig"):
        source.suspicious = True
    try:
        codecs.lookup(chosen)
        text = io.TextIOWrapper(
            io.BufferedReader(source, _BUFFER), encoding=chosen, errors="surrogateescape", newline=""
        )
    except LookupError:
        raise FileError(f"{source.name}: there is no encoding {chosen!r}: try utf-8 or cp1252") from None
    lines = _Lines(text, source)
    try:
        first, header_line = _header(lines, source)
    except UnicodeError as error:
        raise FileError(f"{source.name} is not {chosen} text ({error}): name its encoding in the mapping") from None
    if first.startswith(_TOO_LONG):
        raise FileError(f"{source.name}, line {header_line}: no header is longer than {LONGEST_LINE} characters")
    found = delimiter or _delimiter(first, expected)
    try:
        names = next(csv.reader([first], delimiter=found, strict=True))
    except csv.Error as error:
        raise FileError(f"{source.name}, line {header_line}: the header can't be read ({error})") from None
    if any("\udc80" <= letter <= "\udcff" for letter in first):
        raise FileError(
            f"{source.name}, line {header_line}: the header is not valid {chosen}: name the encoding in the mapping"
        )
    columns = checked_columns(names, source.name)
    reader = _Reader(lines, source, columns, found, chosen, header_line)
    return Table("delimited", source, columns, reader.records(), found, chosen)


def _header(lines: _Lines, source: Source) -> tuple[str, int]:
    """The first line that is not blank, quoted line ends included, and the number of lines read."""
    read = 0
    collected = ""
    for line in lines.stream():
        read += 1
        lines.pending.clear()
        if collected or line.strip("\ufeff \t\r\n"):
            collected += line.lstrip("\ufeff") if not collected else line
            if collected.count('"') % 2 == 0 or read >= MOST_LINES:
                break
    if not collected:
        cause = f" ({source.broken})" if source.broken else ""
        raise FileError(f"{source.name} is empty: there is no header and no row in it{cause}")
    return collected, read


def _delimiter(header: str, expected: Collection[str]) -> str:
    def fit(candidate: str) -> tuple[int, int]:
        try:
            names = next(csv.reader([header], delimiter=candidate))
        except csv.Error:
            return (0, 0)
        return sum(name.strip() in expected for name in names), len(names)

    return max(DELIMITERS.values(), key=fit)


class _Reader:
    def __init__(
        self, lines: _Lines, source: Source, columns: list[str], delimiter: str, encoding: str, header_lines: int
    ) -> None:
        self._lines = lines
        self._source = source
        self._width = len(columns)
        self._delimiter = delimiter
        self._encoding = encoding
        self._line = header_lines

    def records(self) -> Iterator[Record]:
        """Every record below the header; `self._line` is the last line that is accounted for.

        What is told of a bad record is where it stands and why, and never its text: nobody knows which of its fields
        would have been a name or an address.
        """
        lines, source, width = self._lines, self._source, self._width
        pending = lines.pending
        ended = False
        while not ended:
            base = self._line
            reader = csv.reader(lines.stream(), delimiter=self._delimiter, strict=True)
            try:
                for fields in reader:
                    if len(pending) == 1 and len(fields) == width and not source.suspicious:
                        pending.clear()
                        yield base + reader.line_num, fields, None
                        continue
                    first = base + reader.line_num - len(pending) + 1
                    problem = self._problem(fields)
                    if len(fields) != width and len(pending) > 1:
                        yield self._given_up(first, f"a quote opens and is not closed, or {problem}")
                        break
                    self._line = base + reader.line_num
                    if problem and fields:
                        yield first, fields if len(fields) == width else [], f"line {first}: {problem}"
                    elif fields:
                        yield first, fields, None
                    pending.clear()
                else:
                    self._line = base + reader.line_num
                    ended = True
            except _Runaway:
                first = base + reader.line_num - (len(pending) - 1) + 1
                yield self._given_up(first, f"a quote opens and is not closed within {MOST_LINES} lines")
            except csv.Error as error:
                first = base + reader.line_num - len(pending) + 1
                yield self._given_up(first, str(error))
            except UnicodeError as error:
                ended = True
                self._line = base + reader.line_num
                yield self._line + 1, [], f"reading ends early: the file is not {self._encoding} text ({error})"
        if source.broken:
            yield self._line + 1, [], f"{source.broken} at line {self._line + 1}"

    def _given_up(self, line: int, problem: str) -> Record:
        """The first pending line as unreadable; the others are read again."""
        pending = self._lines.pending
        self._lines.back.extendleft(reversed(pending[1:]))
        pending.clear()
        self._line = line
        return line, [], f"line {line}: {problem}"

    def _problem(self, fields: list[str]) -> str | None:
        if len(fields) != self._width:
            if fields and fields[0].startswith(_TOO_LONG):
                return f"the line is longer than {LONGEST_LINE} characters"
            return f"{len(fields)} fields where the header has {self._width}"
        for field in fields:
            if field.isascii():
                if "\0" in field:
                    return "it holds a NUL byte"
            elif clean(field) != field:
                if _TOO_LONG in field:
                    return f"the line is longer than {LONGEST_LINE} characters"
                return f"it holds bytes that are not valid {self._encoding.removesuffix('-sig')}"
        return None
