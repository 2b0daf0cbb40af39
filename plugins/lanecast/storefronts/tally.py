"""What came of a stream: how many different records, up to when, and whether that is all that the source holds."""

from __future__ import annotations

import hashlib
from datetime import datetime

from lanecast.storefronts.base import Facts, Incomplete, PagesContradict

MOST_STALE_PAGES = 5
"""Pages in a row that bring nothing new, before a read counts as going in circles."""
_LEEWAY = 10_000


class Tally:
    """Counts records by their ids; about 100 bytes for each."""

    def __init__(self, told: int | None = None) -> None:
        self.told = told
        self.pages = 0
        self.rows = 0
        self.left_out = 0
        """Records that pages counted and did not show; where pages overlap, one may count twice."""
        self.read_to: datetime | None = None
        self._ids: set[int] = set()
        self._latest: set[int] = set()
        self._stale = 0

    @property
    def fetched(self) -> int:
        """Different records that came, or rows of tables."""
        return len(self._ids) + self.rows

    @property
    def before_the_latest(self) -> int:
        """Those of which no state came that was changed at `read_to` itself: more of that moment may come later."""
        return len(self._ids) - len(self._latest)

    def add(self, facts: Facts) -> None:
        """Counts a page. PagesContradict where pages go in circles or without end."""
        before = len(self._ids)
        self.pages += 1
        self.left_out += facts.left_out
        for record_id, changed_at in facts.seen:
            key = _hashed(record_id)
            self._ids.add(key)
            if changed_at is None:
                continue
            if self.read_to is None or changed_at > self.read_to:
                self.read_to = changed_at
                self._latest = {key}
            elif changed_at == self.read_to:
                self._latest.add(key)
        self._stale = 0 if len(self._ids) > before else self._stale + 1
        if facts.next is not None and self._stale >= MOST_STALE_PAGES:
            raise PagesContradict(f"{self._stale} pages in a row brought nothing new, and others are said to follow")
        if self.told is not None and len(self._ids) > 2 * self.told + _LEEWAY:
            raise PagesContradict(
                f"{len(self._ids)} records came where the source told of {self.told}: pages without end"
            )

    def note(self, changed_at: datetime | None) -> None:
        """Notes when a row was changed."""
        if changed_at is not None and (self.read_to is None or changed_at > self.read_to):
            self.read_to = changed_at

    def check(self, held: int | None, what: str) -> str | None:
        """Holds what came against `held`: what the source counts, after the read, in the same window before `read_to`.

        Every record that is still there, unchanged since it was passed, has come by then; one that was changed behind
        the reader lies after `read_to`, and one that was deleted is counted no more. So at least `held` records must
        have come, however much was changed meanwhile. Incomplete where fewer have, unless pages said themselves that
        they left so many out: then it is returned in words, for the shop can't show them, today or tomorrow.
        """
        came = self.fetched if self.read_to is None else self.before_the_latest
        if held is not None and came < held:
            lacking = held - came
            if lacking <= self.left_out:
                return (
                    f"{what}: {lacking} record{'' if lacking == 1 else 's'} that the source counts came on no page: it "
                    "can't show them (in WooCommerce, an order or product that is broken); what came is loaded"
                )
            until = "" if self.read_to is None else f" that were changed before {self.read_to:%Y-%m-%d %H:%M:%S} UTC"
            raise Incomplete(
                f"{what}: the source holds {held} records{until}, and {came} of them came: its watermark stays, and "
                "the next attempt reads them again"
            )
        return None


def _hashed(record_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(record_id.encode("utf-8", "replace"), digest_size=8).digest(), "big")
