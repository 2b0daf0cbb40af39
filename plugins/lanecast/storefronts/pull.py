"""Pulls one source: every page goes to the raw store and its index before anything is staged of it.

A stream is read to its end or it does not count: what came is held against what the source says that it holds, and only
a read that is whole is staged and moves the watermark, in the transaction of the load. An attempt that was cut off is
gone on with from its last stored page.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

from lanecast import raw, web
from lanecast.storefronts import accounts, book, config, ledger
from lanecast.storefronts.asking import Answer, Line, limits_of
from lanecast.storefronts.base import (
    Facts,
    Incomplete,
    Page,
    PageBroken,
    PagesContradict,
    ShopAdapter,
    ShopRefused,
    SourceAccount,
    Step,
    StorefrontError,
    StreamsUnread,
    Window,
)
from lanecast.storefronts.book import Book
from lanecast.storefronts.config import Source
from lanecast.storefronts.ledger import Reading
from lanecast.storefronts.registry import adapter_of
from lanecast.storefronts.tally import Tally
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.runs import Run

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Requests for the rest of a page's records that are under way at once."""
MOST_REST = 5_000
_SECONDS_A_WORD = 10.0


def pull(run: Run, attempt: int = 1, address: str | None = None, is_last: bool = False) -> dict[str, int]:
    """Reads every stream of the run's source; returns how many different records came of each.

    What an earlier attempt has read whole is not read again. Raises the first StorefrontError after all streams were
    tried. Where no other attempt follows (`is_last`, or the shop refuses the account), the streams that are whole are
    handed on: they are loaded, and `confirm` raises afterwards.
    """
    try:
        return _streams(run, attempt, address)
    except StorefrontError as error:
        whole = ledger.unread(run, address)[1]
        if not whole or not (is_last or isinstance(error, ShopRefused)):
            raise
        log.error("%s: only %s could be read, and will be loaded", run.source, " and ".join(whole))
        return whole


def confirm(run: Run, address: str | None = None) -> None:
    """Raises StreamsUnread, with the problems, where streams of the run were not read to their end, or its list of all
    products was not believed."""
    failed, _ = ledger.unread(run, address)
    if failed:
        raise StreamsUnread(f"{run.source} was loaded without what could not be read: {'; '.join(failed)}")
    if (problem := ledger.disbelieved(run, address)) is not None:
        raise StreamsUnread(problem)


def _streams(run: Run, attempt: int, address: str | None) -> dict[str, int]:
    source = config.source(str(run.source))
    way = accounts.way(source, config.sources())
    if way.account is None:
        raise StorefrontError(f"{source.name} can't be asked: {way.why_skipped}")
    if source.kind in ("sql", "files"):
        from lanecast.storefronts import tables  # it brings database drivers and file readers along

        return tables.pull(run, source, way.account, attempt, address)
    log.info("%s: asking %s%s", source.name, way.account.base_url, " (sandbox)" if way.account.is_sandbox else "")
    return asyncio.run(_pull(run, source, way.account, attempt, address))


async def _pull(run: Run, source: Source, account: SourceAccount, attempt: int, address: str | None) -> dict[str, int]:
    adapter, limits = adapter_of(source.kind), limits_of(account)
    came: dict[str, int] = {}
    failed: StorefrontError | None = None
    async with web.client(account.base_url, limits, AT_ONCE + 1, account.is_sandbox) as client:
        line = Line(adapter, account, client, limits)
        for stream in source.streams:
            reading = ledger.open_reading(run, source, stream, bool(run.params.get("full")), address)
            if reading.is_complete:
                log.info("%s, %s: was read by an earlier attempt", source.name, stream)
                continue
            one = _Read(run, source, account, adapter, line, reading, attempt, address)
            try:
                came[stream] = await one.read()
            except StorefrontError as error:
                log.error("%s, %s: %s", source.name, stream, error)
                failed = failed or error
    if failed is not None:
        raise failed
    return came


class _Read:
    """The read of one stream."""

    def __init__(
        self,
        run: Run,
        source: Source,
        account: SourceAccount,
        adapter: ShopAdapter,
        line: Line,
        reading: Reading,
        attempt: int,
        address: str | None,
    ) -> None:
        self._run, self._source, self._account, self._adapter = run, source, account, adapter
        self._line, self._reading, self._attempt, self._address = line, reading, attempt, address
        self._window = Window(reading.stream, reading.since)
        self._tally = Tally(reading.told)
        self._held: int | None = None
        self._word = time.monotonic()

    async def read(self) -> int:
        """Reads to the end, and holds what came against what is held; returns how many records came.

        A read that fell short is made once more: what was missed may have been committed late by the shop.
        """
        run, name, stream = self._run, self._source.name, self._reading.stream
        for is_last in (False, True):
            try:
                listed = await self._pages()
                self._held = await self._count(self._tally.read_to)
                left_out = self._tally.check(self._held, f"{name}, {stream}")
                break
            except StorefrontError as error:
                ledger.note_problem(run, name, stream, self._tally, self._held, str(error), self._address)
                # Where pages contradict each other or what is held, none of them can be gone on from. A page that is
                # none says nothing of those before it.
                if isinstance(error, Incomplete | PagesContradict):
                    Book(run.run_id, name, stream, self._attempt, self._address).forget()
                if is_last or not isinstance(error, Incomplete):
                    raise
                log.warning("%s; reading again", error)
                self._tally, self._held = Tally(), None
        if left_out is not None:
            log.warning("%s", left_out)
        ledger.note_complete(
            run, name, stream, self._tally, self._held, listed, problem=left_out, address=self._address
        )
        log.info(
            "%s, %s: %s records in %s pages; the source told of %s%s",
            *(name, stream, self._tally.fetched, self._tally.pages),
            "none" if self._tally.told is None else self._tally.told,
            "" if self._window.since is None else f" changed since {self._window.since:%Y-%m-%d %H:%M} UTC",
        )
        return self._tally.fetched

    async def _pages(self) -> bool:
        """Reads all pages, and the list of ids where it is due; returns whether all ids were told."""
        name, stream = self._source.name, self._reading.stream
        step: Step | None = self._adapter.first(self._window, self._account)
        listing = False
        with warehouse.connect(address=self._address) as link:
            known = book.stored(link, self._run.run_id, name, stream)
        if known:
            step, listing = self._resumed(known)
        elif self._tally.told is None:
            self._tally.told = await self._count(None)
            ledger.note_told(self._run, name, stream, self._tally.told, self._address)
        lists = self._reading.lists and self._window.since is not None
        with Book(self._run.run_id, name, stream, self._attempt, self._address) as entered:
            if not listing:
                await self._follow(step, entered, self._tally)
                step = self._adapter.listing(self._account) if lists else None
            if step is None:
                return self._reading.lists or listing
            return await self._list(step, entered)

    def _resumed(self, known: list[book.Stored]) -> tuple[Step | None, bool]:
        """Counts the pages of earlier attempts; returns how to go on, and whether with the list of ids."""
        listing = any(page.step.part == "ids" for page in known)
        with raw.RawReader() as reader:
            for page in known:
                if page.step.part == "records":
                    self._tally.add(self._adapter.facts(page.read(reader)))
        log.info("%s, %s: going on after %s stored pages", self._source.name, self._reading.stream, len(known))
        if listing:
            # A list is short, and holds for its moment alone: it begins anew.
            with warehouse.connect(address=self._address) as link, link.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM ops.storefront_page "
                    "WHERE run_id = %s AND source = %s AND stream = %s AND part = 'ids'",
                    (self._run.run_id, self._source.name, self._reading.stream),
                )
            return self._adapter.listing(self._account), True
        return known[-1].following, False

    async def _follow(self, step: Step | None, entered: Book, tally: Tally) -> None:
        while step is not None:
            asked, answer = await self._line.ask(step)
            facts = self._facts(asked, answer)
            group = [(asked, answer), *await self._rest(facts)]
            tally.add(facts)
            entered.enter(group, facts.next)
            if time.monotonic() - self._word > _SECONDS_A_WORD:
                self._word = time.monotonic()
                log.info("%s, %s: %s of %s", self._source.name, self._reading.stream, tally.fetched, tally.told or "?")
            step = facts.next

    async def _rest(self, facts: Facts) -> list[tuple[Step, Answer]]:
        """What a page's records still lack, a few requests at once, in order."""
        found: list[tuple[Step, Answer]] = []
        waiting = list(facts.rest)
        while waiting:
            now, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            if len(found) + len(now) > MOST_REST:
                raise PageBroken(f"more than {MOST_REST} further requests for the records of one page")
            for asked, answer in await asyncio.gather(*(self._line.ask(step) for step in now)):
                found.append((asked, answer))
                waiting.extend(self._facts(asked, answer).rest)
        return found

    async def _list(self, step: Step, entered: Book) -> bool:
        """Reads the ids of all that there is. False where the list can't be trusted: the next run lists again."""
        tally = Tally()
        totals: set[int] = set()
        following: Step | None = step
        while following is not None:
            asked, answer = await self._line.ask(following)
            facts = self._facts(asked, answer)
            tally.add(facts)
            if facts.told is not None:
                totals.add(facts.told)
            entered.enter([(asked, answer)], facts.next)
            following = facts.next
        # What a shop can't show, it can't sell either: it is gone.
        if totals - {tally.fetched + tally.left_out}:
            log.warning("%s: products changed while they were listed; they are listed again later", self._source.name)
            return False
        return True

    def _facts(self, asked: Step, answer: Answer) -> Facts:
        try:
            return self._adapter.facts(Page(asked, answer.body, answer.headers))
        except PageBroken as broken:
            raise PageBroken(f"{self._source.name} at {answer.url}: {broken}") from None

    async def _count(self, before: datetime | None) -> int | None:
        """What the source counts in the window, of what was changed before a time where one is given."""
        total = 0
        for step in self._adapter.counts(self._window, before):
            _, answer = await self._line.ask(step)
            try:
                found = self._adapter.read_count(answer.body, answer.headers)
            except PageBroken as broken:
                raise PageBroken(f"{self._source.name} at {answer.url}: {broken}") from None
            if found is None:
                log.warning("%s tells no count: what comes can't be held against it", self._source.name)
                return None
            total += found
        return total
