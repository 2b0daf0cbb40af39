"""Budgets of calls on a real warehouse: counted before they are made, shared by processes, held back by limits."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest

from lanecast.carriers.base import Account
from lanecast.carriers.http import BudgetLost, BudgetSpent, Limits
from lanecast.follow.budget import SharedBudget, account_key, calls_left
from lanecast.local.server import RunningServer
from lanecast.warehouse import connection as warehouse_connection
from sandbox_world import one, rows

pytestmark = pytest.mark.timeout(60)

ACCOUNT = Account(carrier="dhl", base_url="https://carrier.test", login="client", password="not to be seen")
FAST = Limits(requests_per_second=1000.0)


def run(
    work: Callable[..., Awaitable[Any]], limits: Limits = FAST, budgets: int = 1, account: Account = ACCOUNT
) -> Any:
    """What `work` returns, given as many budgets of one account, each with a connection of its own."""

    async def within() -> Any:
        opened = [SharedBudget(account, limits) for _ in range(budgets)]
        for budget in opened:
            await budget.__aenter__()
        try:
            return await work(*opened)
        finally:
            for budget in opened:
                await budget.__aexit__()

    return asyncio.run(within())


async def take(budget: SharedBudget, count: int) -> list[float]:
    return [await budget.take() for _ in range(count)]


def counted(address: str, account: str = "lanecast_dhl") -> dict[str, tuple[int, int | None]]:
    """Calls and calls allowed, by period."""
    found = rows(
        address,
        "SELECT period, sum(calls)::int, min(allowed) FROM ops.carrier_budget WHERE account = %s GROUP BY 1",
        (account,),
    )
    return {period: (calls, allowed) for period, calls, allowed in found}


def left(limits: Limits, account: Account = ACCOUNT) -> int | None:
    with warehouse_connection.connect() as link:
        return calls_left(link, account_key(account), limits)


def test_calls_are_counted_before_they_are_made_and_given_back_where_they_are_not(warehouse: str) -> None:
    async def work(budget: SharedBudget) -> None:
        waits = await take(budget, 7)
        assert waits == sorted(waits)
        assert waits[-1] < 0.05
        assert counted(warehouse)["day"][0] == 100  # a tenth of a second's worth
        await budget.give_back()

    run(work)
    assert counted(warehouse) == {"day": (6, None), "month": (6, None)}
    assert left(FAST) is None
    assert "seen" not in str(rows(warehouse, "SELECT * FROM ops.carrier_account"))


@pytest.mark.parametrize("period", ["day", "month"])
def test_no_call_is_made_beyond_the_limit(warehouse: str, period: str) -> None:
    limits = Limits(requests_per_second=1000.0, **{f"calls_per_{period}": 12})
    assert left(limits) == 12

    async def work(budget: SharedBudget) -> None:
        await take(budget, 12)
        for _ in range(2):
            with pytest.raises(BudgetSpent) as refused:
                await budget.take()
            assert refused.value.why == "budget"
        today = datetime.now(UTC).date()
        renews = (
            today + timedelta(days=1) if period == "day" else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        )
        told = str(refused.value)
        for part in (
            "lanecast_dhl",
            f"12 calls that it may make in a {period}",
            f"{renews} 00:00 UTC",
            f"calls_per_{period}",
        ):
            assert part in told

    run(work, limits)
    assert counted(warehouse)[period] == (12, 12)
    assert left(limits) == 0
    assert left(Limits(**{f"calls_per_{period}": 20})) == 8


_WORKER = """
import asyncio, json, os, signal, sys, time
from lanecast.carriers.base import Account
from lanecast.carriers.http import BudgetSpent, Limits
from lanecast.follow.budget import SharedBudget

limits = json.loads(sys.argv[1])
most = int(sys.argv[2])

async def main():
    times = []
    account = Account(carrier="dhl", base_url="https://carrier.test", login="", password="")
    async with SharedBudget(account, Limits(**limits)) as budget:
        try:
            while len(times) < most:
                await asyncio.sleep(await budget.take())
                times.append(time.monotonic())
        except BudgetSpent:
            pass
        if len(sys.argv) > 3:
            print(json.dumps(times), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps(times))

asyncio.run(main())
"""


def worker(limits: dict[str, float], most: int, *how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WORKER, json.dumps(limits), str(most), *how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_share_limit_and_pace(warehouse: str) -> None:
    limits = {"requests_per_second": 100.0, "calls_per_day": 230}
    workers = [worker(limits, 10_000) for _ in range(4)]
    made = [json.loads(one.communicate(timeout=40)[0]) for one in workers]
    times = sorted(moment for times in made for moment in times)
    assert len(times) == 230
    assert all(made)
    assert counted(warehouse)["day"] == (230, 230)
    # No second has more than the account's rate, but for the block that each worker may use a little late.
    busiest = max(sum(moment <= later < moment + 1 for later in times) for moment in times)
    assert busiest <= 100 + 4 * 10
    assert times[-1] - times[0] >= 1.8


def test_a_killed_worker_loses_no_call(warehouse: str) -> None:
    killed = worker({"requests_per_second": 100.0}, 13, "killed")
    made = len(json.loads(killed.communicate(timeout=20)[0]))
    assert (made, killed.returncode) == (13, -9)
    assert 13 <= counted(warehouse)["day"][0] <= 20


def test_a_lost_connection_is_made_again_and_a_lost_warehouse_stops_the_calls(
    warehouse: str, server: RunningServer
) -> None:
    async def work(budget: SharedBudget) -> None:
        await budget.take()
        with psycopg2.connect(server.dsn("postgres", "postgres")) as link, link.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s",
                (warehouse.rpartition("/")[2],),
            )
            assert cursor.fetchone() == (1,)
        await budget.take()

    run(work, Limits(requests_per_second=5.0))
    assert counted(warehouse)["day"][0] == 2

    async def lost() -> None:
        async with SharedBudget(ACCOUNT, FAST, "postgresql://nobody@127.0.0.1:1/none"):
            pass

    with pytest.raises(BudgetLost, match=r"lanecast_dhl can't be counted: .*can't be reached"):
        asyncio.run(lost())


def test_a_carrier_that_is_down_is_seen_by_the_others_and_probed_by_one(warehouse: str) -> None:
    limits = Limits(requests_per_second=1000.0, down_seconds=0.6)

    async def work(first: SharedBudget, second: SharedBudget) -> None:
        await take(first, 1)
        await first.note(True)
        with pytest.raises(BudgetSpent, match="counts as down since") as refused:
            await second.take()
        assert refused.value.why == "down"
        await asyncio.sleep(1.1)
        third = SharedBudget(ACCOUNT, limits)
        async with third:
            assert third.probing
            await second.take()
            assert second.probing
            with pytest.raises(BudgetSpent, match="down"):
                await third.take()
            await second.note(False)
            assert not second.probing
        async with SharedBudget(ACCOUNT, limits) as fourth:
            assert not fourth.probing
            await take(fourth, 3)

    run(work, limits, budgets=2)
    assert rows(warehouse, "SELECT down_since, down_until FROM ops.carrier_account") == [(None, None)]


def test_a_failed_probe_closes_the_line_again_and_the_sandbox_never_waits(warehouse: str) -> None:
    limits = Limits(requests_per_second=1000.0, down_seconds=0.3)

    async def work(first: SharedBudget, second: SharedBudget) -> None:
        await first.take()
        await first.note(True)
        since = one(warehouse, "SELECT down_since FROM ops.carrier_account")
        await asyncio.sleep(0.4)
        await second.take()
        await second.note(True)
        with pytest.raises(BudgetSpent, match="down"):
            await take(SharedBudget(ACCOUNT, limits), 1)
        assert one(warehouse, "SELECT down_since FROM ops.carrier_account") == since

    run(work, limits, budgets=2)

    async def again(first: SharedBudget, second: SharedBudget) -> None:
        await first.take()
        await first.note(True)
        await second.take()
        assert not second.probing
        await second.note(False)

    sandbox = Account(carrier="dhl", base_url="http://127.0.0.1:1/dhl", login="", password="", is_sandbox=True)
    run(again, Limits(requests_per_second=1000.0, down_seconds=0.0), 2, sandbox)
    assert counted(warehouse, "sandbox:dhl")["day"][0] == 2
    assert one(warehouse, "SELECT down_since FROM ops.carrier_account WHERE account = 'sandbox:dhl'") is None


def test_a_clock_that_was_set_back_holds_up_nothing(warehouse: str) -> None:
    async def work(budget: SharedBudget) -> None:
        rows(
            warehouse,
            "UPDATE ops.carrier_account SET next_call_at = now() + interval '1 day', "
            "down_since = now(), down_until = now() + interval '1 day'",
        )
        assert await budget.take() < 1

    run(work, Limits(requests_per_second=10.0))


def test_what_was_taken_before_midnight_goes_back_to_its_day(warehouse: str) -> None:
    async def work(budget: SharedBudget) -> None:
        await take(budget, 5)
        rows(warehouse, "UPDATE ops.carrier_budget SET starts_on = starts_on - 40")
        before = budget._taken
        assert before is not None
        budget._taken = before._replace(day=before.day - timedelta(days=40), month=before.month - timedelta(days=40))
        budget._ends = time.monotonic() - 1
        await take(budget, 3)

    run(work)
    made = rows(warehouse, "SELECT calls FROM ops.carrier_budget WHERE period = 'day' ORDER BY starts_on")
    assert made == [(5,), (3,)]


def test_counting_costs_little_time(warehouse: str) -> None:
    """A thousand calls at the sandbox's rate take at most a tenth longer than that rate alone."""

    async def work(budget: SharedBudget) -> float:
        began = time.monotonic()

        async def some() -> None:
            for _ in range(1000 // 6):
                await asyncio.sleep(await budget.take())

        await asyncio.gather(*(some() for _ in range(6)))
        return time.monotonic() - began

    assert run(work, Limits(requests_per_second=500.0)) < 2.0 * 1.1
