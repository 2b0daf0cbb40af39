"""Files as a source: paths, glob patterns, object stores and web addresses; each version of a file is read once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

from lanecast import addresses
from lanecast.files.errors import FileError
from lanecast.files.reader import open_table
from lanecast.files.targets import TARGETS
from lanecast.files.times import timestamp_converter
from lanecast.storefronts.base import SourceAccount, StorefrontError, Stream
from lanecast.storefronts.config import SANDBOX, SINCE, TableStream
from lanecast.storefronts.fetching import UNKNOWN_VERSION, fetched, version_at
from lanecast.storefronts.found import Found, matches
from lanecast.storefronts.ledger import Reading
from lanecast.storefronts.opened import Opened, mapping_of
from lanecast.storefronts.tally import Tally
from lanecast.storefronts.texts import changed

log = logging.getLogger(__name__)

_TIME_OF = {
    "orders": "ordered_at",
    "interactions": "occurred_at",
    "products": "changed_in_shop_at",
    "shipments": "ordered_at",
}


class FilesReader:
    """Reads the files of one stream that are new or changed since they were loaded."""

    def __init__(
        self,
        account: SourceAccount,
        stream: Stream,
        settings: TableStream,
        reading: Reading,
        known: dict[str, str],
    ) -> None:
        self._account, self._stream, self._settings = account, stream, settings
        self._reading, self._known = reading, known
        self._mapping = mapping_of(settings, stream)
        self.versions: dict[str, str] = {}

    def tables(self, tally: Tally) -> Iterator[Opened]:
        """The tables, one after the other. An address with {since} is asked for what came after what is read so far."""
        for pattern in dict.fromkeys(self._settings.paths):
            path = pattern.replace(SANDBOX, self._account.base_url)
            if SINCE in path:
                since = self._since(tally)
                with fetched(path.replace(SINCE, quote(since.strftime("%Y-%m-%dT%H:%M:%SZ")))) as (local, _):
                    yield from self._table(local, path)
            elif path.startswith(("http://", "https://")):
                yield from self._address(path)
            else:
                for found in matches(path):
                    if self._known.get(found.path) != found.version and found.path not in self.versions:
                        yield from self._file(found)  # that another pattern names as well

    def ids(self) -> Iterator[list[str]] | None:
        """Files do not say that they are all that there is."""
        return None

    def _file(self, found: Found) -> Iterator[Opened]:
        source = self._account.source
        if not found.is_settled:
            log.warning("%s, %s: it was changed a moment ago, and is left to the next run", source, found.path)
            return
        self.versions[found.path] = found.version
        if found.size == 0:
            log.warning("%s, %s: it is empty, and is passed over until it is changed", source, found.path)
            return

        def is_whole() -> bool:
            if not found.is_same:
                log.warning("%s, %s: it was changed while it was read, and is left to the next run", source, found.path)
                del self.versions[found.path]
                return False
            return True

        yield from self._table(found.path, found.path, is_whole)

    def _since(self, tally: Tally) -> datetime:
        told = [moment for moment in (self._reading.since, tally.read_to) if moment is not None]
        return max(told, default=datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC)

    def _address(self, path: str) -> Iterator[Opened]:
        shown = addresses.masked(path)  # what is kept of an address opens no door
        known = self._known.get(shown)
        if known == UNKNOWN_VERSION or (known is not None and known == version_at(path)):
            return
        with fetched(path) as (local, version):
            if Path(local).stat().st_size == 0:
                log.warning("%s, %s: it is empty, and is passed over", self._account.source, shown)
                return
            self.versions[shown] = version
            yield from self._table(local, path)

    def _table(self, local: str, shown: str, is_whole: Callable[[], bool] = lambda: True) -> Iterator[Opened]:
        shown = addresses.masked(shown).replace(quote(SINCE), SINCE)
        try:
            table = open_table(local, expected=TARGETS[self._stream].columns)
        except FileError as error:
            if "is empty" in str(error) and SINCE in shown:
                return
            raise StorefrontError(f"{self._account.source}, {shown}: {error}") from None
        with table:
            column, formats = self._time(table.columns)
            read = timestamp_converter(self._mapping.zone, formats)
            yield Opened(table, shown, column, time=partial(changed, read=read), is_whole=is_whole)

    def _time(self, columns: list[str]) -> tuple[str | None, tuple[str, ...]]:
        """The column that tells how far a file goes, as the source or its mapping names it, or of the same name; and
        the formats that the mapping gives for it."""
        name = _TIME_OF[self._stream]
        spec = self._mapping.columns.get(name)
        if self._settings.watermark is not None:
            column: str | None = self._settings.watermark
        elif spec is not None and spec.from_ is not None:
            column = spec.from_
        else:
            column = next((one for one in columns if one.lower().replace(" ", "_") == name), None)
        return column, spec.formats if spec is not None and spec.from_ == column else ()
