"""Pages into the raw store and its index, whole groups at a time: a read that is cut off goes on from the last one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg2.extras

from lanecast import raw
from lanecast.storefronts.asking import Answer
from lanecast.storefronts.base import Page, Step
from lanecast.warehouse import connection as warehouse

PAGES_PER_FILE = 500
SECONDS_PER_FILE = 30.0
BYTES_PER_FILE = 64 * 1024 * 1024


class Book:
    """The pages of one run, source and stream. A context manager: what was entered is kept, even if the read fails."""

    def __init__(self, run_id: str, source: str, stream: str, attempt: int, address: str | None = None) -> None:
        self.run_id, self.source, self.stream = run_id, source, stream
        self._attempt, self._address = attempt, address
        self._writer: raw.RawWriter | None = None
        self._rows: list[tuple[object, ...]] = []
        self._resume: list[Any] = []
        self._opened = 0.0
        self._bytes = 0
        self.place = self._known()
        """The place of the next page."""

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def enter(self, group: list[tuple[Step, Answer]], following: Step | None) -> None:
        """Stores a page and what belongs to it; closes and indexes the file where it is full, or has been open long."""
        if self._writer is None:
            self._opened, self._bytes = time.monotonic(), 0
            self._writer = raw.RawWriter(
                group[0][1].carrier,
                f"{self.run_id} {self.stream}",
                shard=self.place,
                attempt=self._attempt,
                at=datetime.now(UTC),
            )
        for step, answer in group:
            pointer = self._writer.append(answer)
            self._bytes += pointer.byte_length
            is_last = step is group[-1][0]
            resume = {"step": [step.part, step.state], "next": following if is_last else None, "ends": is_last}
            self._rows.append(
                (
                    *(self.run_id, self.source, self.stream, self.place, step.part, pointer.file),
                    *(pointer.byte_offset, pointer.byte_length, pointer.sha256, answer.answered_at),
                    json.dumps(resume),
                )
            )
            self.place += 1
        waited = time.monotonic() - self._opened
        if len(self._rows) >= PAGES_PER_FILE or self._bytes >= BYTES_PER_FILE or waited > SECONDS_PER_FILE:
            self.close()

    def close(self) -> None:
        """Closes the open file, then indexes it: an index entry never leads to a file that is not there."""
        if self._writer is None:
            return
        self._writer.close()
        with warehouse.connect(address=self._address) as link, link.cursor() as cursor:
            psycopg2.extras.execute_values(
                cursor,
                "INSERT INTO ops.storefront_page (run_id, source, stream, place, part, file, byte_offset, byte_length, "
                "sha256, answered_at, resume) VALUES %s",
                self._rows,
                page_size=1000,
            )
        self._writer, self._rows = None, []

    def forget(self, place: int = 0) -> None:
        """Takes the stream's pages from a place on out of the index, to be read anew. The raw store keeps them."""
        self.close()
        with warehouse.connect(address=self._address) as link, link.cursor() as cursor:
            cursor.execute(
                "DELETE FROM ops.storefront_page WHERE run_id = %s AND source = %s AND stream = %s AND place >= %s",
                (self.run_id, self.source, self.stream, place),
            )
        self.place = self._known()

    def _known(self) -> int:
        with warehouse.connect(address=self._address) as link, link.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(max(place) + 1, 0) FROM ops.storefront_page "
                "WHERE run_id = %s AND source = %s AND stream = %s",
                (self.run_id, self.source, self.stream),
            )
            return int(warehouse.only_row(cursor)[0])


class Stored:
    """A page in the raw store, and how its read goes on."""

    def __init__(self, place: int, pointer: raw.RawPointer, resume: dict[str, Any]) -> None:
        self.place = place
        self._pointer = pointer
        part, state = resume["step"]
        self.step = Step(part, state)
        self.ends_group = bool(resume["ends"])
        self.following = Step(*resume["next"]) if resume["next"] else None

    def read(self, reader: raw.RawReader) -> Page:
        """The page itself."""
        at = self._pointer
        answer = reader.read(at.file, at.byte_offset, at.byte_length)
        return Page(self.step, answer.body, answer.headers)


def stored(link: warehouse.Connection, run_id: str, source: str, stream: str) -> list[Stored]:
    """The pages of a stream in the order in which they came."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT place, file, byte_offset, byte_length, sha256, resume FROM ops.storefront_page "
            "WHERE run_id = %s AND source = %s AND stream = %s ORDER BY place",
            (run_id, source, stream),
        )
        return [
            Stored(
                place,
                raw.RawPointer(file=file, byte_offset=offset, byte_length=length, sha256=bytes(digest)),
                resume,
            )
            for place, file, offset, length, digest, resume in cursor.fetchall()
        ]


def groups(pages: list[Stored]) -> Iterator[list[Stored]]:
    """The pages of records and of ids, each with what belongs to it."""
    group: list[Stored] = []
    for page in pages:
        group.append(page)
        if page.ends_group:
            yield group
            group = []
