"""Pulls one shard from its carrier: every answer goes to the raw store and its index before anything parses it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime

import psycopg2.extras

from lanecast import raw
from lanecast.carriers import accounts, http, registry
from lanecast.carriers.base import Wanted
from lanecast.follow.due import Shard
from lanecast.warehouse import connection as warehouse

log = logging.getLogger(__name__)

ANSWERS_PER_FILE = 1000
SECONDS_PER_FILE = 60.0


def pull(shard: Shard, attempt: int = 1, address: str | None = None) -> dict[str, int]:
    """Asks the carrier for every parcel of the shard and stores the answers; returns counts by HTTP status.

    What an earlier attempt has had an answer to is not asked for again. Answers that failed are stored too; raises
    CarrierDown where the carrier gave none but such, for it was out of order or refused the account.
    """
    adapter = registry.adapter(shard.carrier)
    account = accounts.account(shard.carrier)
    numbers = _unanswered(shard, address)
    counts: Counter[str] = Counter()
    if not numbers:
        return counts
    log.info(
        "%s: asking for %s parcels at %s%s",
        shard.carrier,
        len(numbers),
        account.base_url,
        " (sandbox)" if account.is_sandbox else "",
    )
    batches = list(_batches([Wanted(number) for number in numbers], adapter.numbers_per_request))

    async def ask() -> None:
        book = _Book(shard, attempt, address)
        with closing(book):
            async for answer in http.pull(adapter, account, batches):
                book.enter(answer)
                counts[str(answer.status or "no answer")] += 1
                if sum(counts.values()) % 500 == 0:
                    log.info("%s: %s of %s answers", shard.carrier, sum(counts.values()), len(batches))

    asyncio.run(ask())
    if set(counts) <= _NO_ANSWER:
        told = ", ".join(f"{status}: {count}" for status, count in counts.most_common())
        raise CarrierDown(f"{shard.carrier} answered none of {len(batches)} requests at {account.base_url} ({told})")
    return dict(counts)


class CarrierDown(RuntimeError):
    """A carrier answered nothing at all; its parcels stay due."""


# Statuses that say nothing about a parcel: the carrier is out of order, or refuses the account.
_FAILED = sorted(http.RETRIED_STATUSES | http.REFUSED_STATUSES)
_NO_ANSWER = {"no answer", *map(str, _FAILED)}


def _unanswered(shard: Shard, address: str | None) -> list[str]:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT request.tracking_number FROM ops.poll_request AS request "
            "WHERE request.run_id = %(run)s AND request.carrier = %(carrier)s AND request.shard = %(shard)s "
            "AND NOT EXISTS (SELECT FROM ops.raw_answer AS answer WHERE answer.run_id = %(run)s "
            "AND answer.carrier = %(carrier)s AND answer.status <> ALL(%(failed)s) "
            "AND answer.tracking_numbers @> ARRAY[request.tracking_number]) ORDER BY 1",
            {"run": shard.run_id, "carrier": shard.carrier, "shard": shard.shard, "failed": _FAILED},
        )
        return [row[0] for row in cursor.fetchall()]


def _batches(numbers: Sequence[Wanted], size: int) -> Iterator[Sequence[Wanted]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


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
                shard.carrier, shard.run_id, shard=shard.shard, attempt=self._attempt, at=datetime.now(UTC)
            )
        self._pages.append((answer, self._writer.append(answer)))
        if len(self._pages) >= ANSWERS_PER_FILE or time.monotonic() - self._opened > SECONDS_PER_FILE:
            self.close()

    def close(self) -> None:
        """Closes the open file, then indexes it: an index entry never leads to a file that is not there."""
        if self._writer is None:
            return
        self._writer.close()
        shard = self._shard
        rows = [
            (
                *(shard.run_id, shard.carrier, pointer.file, pointer.byte_offset, pointer.byte_length, answer.status),
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
