"""The calls that an account may make, shared by all workers: a ledger in the warehouse (ops.carrier_budget).

A call is counted before it is made. A worker takes the calls of about a tenth of a second at once, and gives back at
the end what it did not use; one that is killed leaves them counted. Never is a call made that was not counted. Days and
months are UTC's, by the warehouse's wall clock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import ExitStack, suppress
from datetime import date, timedelta
from typing import Any, NamedTuple

import psycopg2

from lanecast.carriers import http
from lanecast.carriers.base import Account
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

SECONDS_PER_BLOCK = 0.1
"""Calls taken at once: those of this time at the account's rate, at least one."""
LARGEST_BLOCK = 100
REFUSED_FOR = 1.0
"""Seconds for which a worker that was refused a call does not ask the warehouse again."""


class _Taken(NamedTuple):
    """What include/sql/follow/budget_take.sql returns. Seconds are counted from the moment of the taking."""

    calls: int
    wait_seconds: float
    day_ends_in: float
    day: date
    month: date
    down_since: Any
    down_for: float | None
    is_down: bool
    is_probe: bool
    is_day_spent: bool | None
    is_month_spent: bool | None


def account_key(account: Account) -> str:
    """The name under which an account's calls are counted: its connection's, or `sandbox:<carrier>`."""
    return f"sandbox:{account.carrier}" if account.is_sandbox else f"lanecast_{account.carrier}"


def calls_left(link: warehouse.Connection, account: str, limits: http.Limits) -> int | None:
    """The calls that an account (its account_key) may still make today and this month; None where nothing limits it."""
    with link.cursor() as cursor:
        cursor.execute(statement("follow/budget_left"), {"account": account})
        of_day, of_month = only_row(cursor)
    left = [
        allowed - made
        for allowed, made in ((limits.calls_per_day, of_day), (limits.calls_per_month, of_month))
        if allowed is not None
    ]
    return max(0, min(left)) if left else None


class SharedBudget:
    """An account's calls, for one pull: an asynchronous context manager (see lanecast.carriers.http.Budget)."""

    def __init__(self, account: Account, limits: http.Limits | None = None, address: str | None = None) -> None:
        self.account = account_key(account)
        self.probing = False
        self._limits = limits or http.limits_of(account)
        self._address = address
        rate = self._limits.requests_per_second
        self._apart = 1.0 / rate
        self._values = {
            "account": self.account,
            "carrier": account.carrier,
            "rate": rate,
            "pause": self._limits.down_seconds,
            "per_day": self._limits.calls_per_day,
            "per_month": self._limits.calls_per_month,
            "wanted": max(1, min(LARGEST_BLOCK, round(rate * SECONDS_PER_BLOCK))),
        }
        self._one_at_a_time = asyncio.Lock()
        self._thread_lock = threading.Lock()
        self._open = ExitStack()
        self._link: warehouse.Connection | None = None
        self._is_closed = False
        self._turns: deque[float] = deque()
        self._taken: _Taken | None = None
        self._ends = 0.0
        self._is_down = False
        self._is_probe = False
        self._refusal: tuple[float, http.BudgetSpent] | None = None

    async def __aenter__(self) -> SharedBudget:
        """Enters the account in the ledger."""
        ((down_since,),) = await self._run("budget_open", lock=False)
        self._is_down = down_since is not None
        self.probing = self._is_down and self._limits.down_seconds > 0
        return self

    async def __aexit__(self, *_: object) -> None:
        """Gives back the calls that were taken and not made."""
        async with self._one_at_a_time:
            self._is_closed = True
            try:
                await self._return_turns()
            finally:
                await asyncio.to_thread(self._close)

    async def take(self) -> float:
        """Takes one call; returns the seconds to wait before making it.

        BudgetSpent where none may be made, BudgetLost where the warehouse can't be asked.
        """
        async with self._one_at_a_time:
            if self._is_closed:
                raise http.BudgetLost(f"the budget of {self.account} is closed")
            now = time.monotonic()
            if self._turns and now >= self._ends:
                await self._return_turns()  # they were counted on a day that is over
            if not self._turns:
                await self._reserve()
            return max(0.0, self._turns.popleft() - time.monotonic())

    async def give_back(self) -> None:
        """Returns one call that was taken and did not leave this machine."""
        async with self._one_at_a_time:
            # One that was taken before midnight stays counted: it may belong to either day.
            if self._taken is not None and not self._is_closed and time.monotonic() < self._ends:
                self._turns.append(time.monotonic())

    async def note(self, down: bool) -> None:
        """Tells the other workers that the carrier counts as down, or answers again; nothing where they know."""
        if down == self._is_down and not self.probing:
            return
        async with self._one_at_a_time:
            await self._run("budget_note", down=down)
            self._is_down, self.probing, self._is_probe = down, False, False

    async def _reserve(self) -> None:
        if self._refusal is not None and time.monotonic() < self._refusal[0]:
            raise self._refusal[1]
        asked_at = time.monotonic()
        (row,) = await self._run("budget_take", is_probe=self._is_probe)
        taken = _Taken(*row)
        self._is_down = taken.down_since is not None
        if not taken.calls:
            self._refusal = (time.monotonic() + min(REFUSED_FOR, max(taken.day_ends_in, 0.0)), self._refused(taken))
            raise self._refusal[1]
        self._refusal = None
        self._is_probe = self._is_probe or taken.is_probe
        self.probing = self.probing or self._is_probe
        self._taken = taken
        self._ends = asked_at + taken.day_ends_in
        start = time.monotonic() + taken.wait_seconds
        self._turns.extend(start + place * self._apart for place in range(taken.calls))

    async def _return_turns(self) -> None:
        """Gives back to the ledger what was taken on the day of the last taking and is not used."""
        if self._turns and self._taken is not None:
            await self._run("budget_give_back", count=len(self._turns), day=self._taken.day, month=self._taken.month)
        self._turns.clear()

    def _refused(self, taken: _Taken) -> http.BudgetSpent:
        if taken.is_down:
            return http.BudgetSpent(
                f"the carrier of {self.account} counts as down since {taken.down_since:%Y-%m-%d %H:%M} UTC, and is "
                f"asked again in {max(taken.down_for or 0.0, 0.0):.0f} s",
                "down",
            )
        if taken.is_month_spent:
            period, limit, option = "month", self._limits.calls_per_month, "calls_per_month"
            renews = (taken.month + timedelta(days=32)).replace(day=1)
        else:
            period, limit, option = "day", self._limits.calls_per_day, "calls_per_day"
            renews = taken.day + timedelta(days=1)
        return http.BudgetSpent(
            f"{self.account} has made the {limit} calls that it may make in a {period}: asked again from "
            f"{renews:%Y-%m-%d} 00:00 UTC on (if the carrier allows more, set {option} in the connection's extra)"
        )

    async def _run(self, name: str, *, lock: bool = True, **values: Any) -> list[tuple[Any, ...]]:
        """Runs one statement in a transaction, again on a new connection where the first attempt finds it broken."""
        names = ("budget_lock", name) if lock else (name,)
        return await asyncio.to_thread(self._execute, names, self._values | values)

    def _execute(self, names: tuple[str, ...], values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._thread_lock:
            try:
                try:
                    return self._transaction(names, values)
                except (psycopg2.OperationalError, psycopg2.InterfaceError):
                    # It may have committed: then these calls are counted twice, which loses none. Given back twice,
                    # they would be lost from the ledger: so that is not tried again.
                    self._disconnect()
                    if names[-1].endswith("budget_give_back"):
                        return []
                    return self._transaction(names, values)
            except (psycopg2.Error, warehouse.NoWarehouse) as error:
                self._disconnect()
                told = " ".join(str(error).split())
                raise http.BudgetLost(f"the calls of {self.account} can't be counted: {told}") from None

    def _transaction(self, names: tuple[str, ...], values: dict[str, Any]) -> list[tuple[Any, ...]]:
        if self._link is None:
            self._link = self._open.enter_context(warehouse.connect(address=self._address))
        with self._link.cursor() as cursor:
            for name in names:
                cursor.execute(statement(f"follow/{name}"), values)
            rows = cursor.fetchall() if cursor.description else []
        self._link.commit()
        return rows

    def _disconnect(self) -> None:
        self._link = None
        with suppress(psycopg2.Error):
            self._open.close()

    def _close(self) -> None:
        with self._thread_lock:
            self._disconnect()
