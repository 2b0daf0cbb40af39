"""Pulls one shard from its source: every answer goes to the raw store and its index before anything parses it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing, closing
from datetime import UTC, datetime

import msgspec
import psycopg2.extras

from lanecast import raw, web
from lanecast.carriers import accounts, http, registry
from lanecast.carriers.base import Adapter, Wanted
from lanecast.follow.budget import SharedBudget
from lanecast.follow.due import UNKNOWN_CARRIER, Shard
from lanecast.warehouse import connection as warehouse

log = logging.getLogger(__name__)

ANSWERS_PER_FILE = 1000
SECONDS_PER_FILE = 60.0
BUDGET_SPENT = "budget spent"
"""The count of requests that were not made, for the account's calls are used up: their parcels stay due."""


def pull(shard: Shard, attempt: int = 1, address: str | None = None) -> dict[str, int]:
    """Asks the carrier for every parcel of the shard and stores the answers; returns counts by HTTP status.

    What an earlier attempt has had an answer to is not asked for again. Answers that failed are stored too; raises
    CarrierDown where the carrier gave none but such, for it was out of order or refused the account.
    """
    adapter = registry.adapter(shard.source)
    account = accounts.account(shard.source)
    wanted = _unanswered(shard, address)
    counts: Counter[str] = Counter()
    if not wanted:
        return counts
    log.info(
        "%s: asking for %s parcels at %s%s",
        shard.source,
        len(wanted),
        account.base_url,
        " (sandbox)" if account.is_sandbox else "",
    )
    batches = list(_batches(wanted, adapter))

    async def ask() -> str | None:
        why: str | None = None
        book = _Book(shard, attempt, address)
        async with SharedBudget(account, address=address) as budget:
            with closing(book):
                async with aclosing(http.pull(adapter, account, batches, budget=budget)) as answers:
                    async for answer in answers:
                        book.enter(answer)
                        if answer.not_asked == "budget":
                            counts[BUDGET_SPENT] += 1
                            why = answer.error
                        else:
                            # A fault that the carrier explains is an answer, whatever its status.
                            is_fault = answer.error is None and answer.status in web.RETRIED_STATUSES
                            counts["fault" if is_fault else str(answer.status or "no answer")] += 1
                        if sum(counts.values()) % 500 == 0:
                            log.info("%s: %s of %s answers", shard.source, sum(counts.values()), len(batches))
        return why

    why = asyncio.run(ask())
    if counts[BUDGET_SPENT]:
        log.warning("%s: %s of %s requests were not made: %s", shard.source, counts[BUDGET_SPENT], len(batches), why)
    asked = set(counts) - {BUDGET_SPENT}
    if asked and asked <= _NO_ANSWER:
        told = ", ".join(f"{status}: {count}" for status, count in counts.most_common())
        raise CarrierDown(f"{shard.source} answered none of {len(batches)} requests at {account.base_url} ({told})")
    return dict(counts)


class CarrierDown(RuntimeError):
    """A carrier answered nothing at all; its parcels stay due."""


# Statuses that say nothing about a parcel: the carrier is out of order, or refuses the account.
_FAILED = sorted(web.RETRIED_STATUSES | web.REFUSED_STATUSES)
_NO_ANSWER = {"no answer", *map(str, _FAILED)}


def _unanswered(shard: Shard, address: str | None) -> list[Wanted]:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (request.tracking_number, request.carrier) request.tracking_number, request.carrier, "
            "CASE WHEN plan.source = request.source THEN plan.answered_at END AS since "
            "FROM ops.poll_request AS request JOIN ops.poll_plan AS plan USING (shipment_id) "
            "WHERE request.run_id = %(run)s AND request.source = %(source)s AND request.shard = %(shard)s "
            "AND NOT EXISTS (SELECT FROM ops.raw_answer AS answer WHERE answer.run_id = %(run)s "
            "AND answer.carrier = %(source)s AND answer.status <> ALL(%(failed)s) "
            "AND answer.tracking_numbers @> ARRAY[request.tracking_number]) "
            "ORDER BY request.tracking_number, request.carrier, since",
            {"run": shard.run_id, "source": shard.source, "shard": shard.shard, "failed": _FAILED},
        )
        return [
            Wanted(number, None if carrier in {shard.source, UNKNOWN_CARRIER} else carrier, since)
            for number, carrier, since in cursor.fetchall()
        ]


def _batches(wanted: Sequence[Wanted], adapter: Adapter) -> Iterator[Sequence[Wanted]]:
    """Batches of the size that the source takes; a number that two carriers use does not come twice in one.

    Where a source tells changes, those that it has told of before and those that it has not are asked for apart.
    """
    groups = [wanted]
    if adapter.tells_changes:
        groups = [[one for one in wanted if one.since], [one for one in wanted if not one.since]]
    for group in groups:
        batch: list[Wanted] = []
        for one in group:
            if len(batch) == adapter.numbers_per_request or (batch and batch[-1].number == one.number):
                yield batch
                batch = []
            batch.append(one)
        if batch:
            yield batch


class _Book:
    """Answers into the raw store and its index, a file at a time: a pull that is cut off keeps the files it closed."""

    def __init__(self, shard: Shard, attempt: int, address: str | None) -> None:
        self._shard, self._attempt, self._address = shard, attempt, address
        self._writer: raw.RawWriter | None = None
        self._pages: list[tuple[http.Answer, raw.RawPointer]] = []
        self._opened = 0.0

    def enter(self, answer: http.Answer) -> None:
        """Stores one answer; closes and indexes the file where it is full, or has been open long."""
        if self._writer is None:
            shard = self._shard
            self._opened = time.monotonic()
            self._writer = raw.RawWriter(
                shard.source, shard.run_id, shard=shard.shard, attempt=self._attempt, at=datetime.now(UTC)
            )
        pointer = self._writer.append(answer)
        # Without its body: a file may hold a thousand large ones.
        self._pages.append((msgspec.structs.replace(answer, body=b""), pointer))
        # Between batches: one of which a part is in the index counts as answered.
        is_full = len(self._pages) >= ANSWERS_PER_FILE or time.monotonic() - self._opened > SECONDS_PER_FILE
        if answer.ends_batch and is_full:
            self.close()

    def close(self) -> None:
        """Closes the open file, then indexes it: an index entry never leads to a file that is not there."""
        if self._writer is None:
            return
        self._writer.close()
        shard = self._shard
        rows = [
            (
                *(shard.run_id, shard.source, pointer.file, pointer.byte_offset, pointer.byte_length, answer.status),
                *(list(answer.requested), pointer.sha256, answer.requested_at, answer.answered_at),
            )
            for answer, pointer in self._pages
        ]
        with warehouse.connect(address=self._address) as link, link.cursor() as cursor:
            psycopg2.extras.execute_values(
                cursor,
                "INSERT INTO ops.raw_answer (run_id, carrier, file, byte_offset, byte_length, status, "
                "tracking_numbers, sha256, requested_at, answered_at) VALUES %s",
                rows,
                page_size=1000,
            )
        self._writer, self._pages = None, []
