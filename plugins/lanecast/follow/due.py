"""What is due: enlists open shipments, and divides what a run asks for into shards of bounded size and number."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from psycopg2.extensions import cursor as Cursor

from lanecast.carriers import accounts, http, registry
from lanecast.carriers.base import Account
from lanecast.follow import polling
from lanecast.follow.budget import account_key, calls_left
from lanecast.follow.sources import sources
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

UNKNOWN_CARRIER = "unknown"
SHARDS_PER_SOURCE = 8
PARCELS_PER_SHARD = 2500
SECONDS_PER_PULL = 1800.0
"""A run asks an account of your own for no more than its rate allows in this time; the rest stays due."""


@dataclass(frozen=True)
class Shard:
    """A part of what one run asks one source for: the work of one mapped task."""

    run_id: str
    source: str
    shard: int
    parcels: int

    def as_dict(self) -> dict[str, str | int]:
        """For handing over between tasks."""
        return asdict(self)


def plan(
    run: Run,
    carrier: str | None = None,
    numbers: Sequence[str] | None = None,
    force: bool = False,
    source: str | None = None,
    address: str | None = None,
) -> list[Shard]:
    """Decides what this run asks for, writes it to ops.poll_request, and returns the shards.

    `carrier` asks for that carrier's parcels alone. `numbers` asks for just these, due or not; one that no shipment has
    is registered, which needs `carrier` (or `source`, where that is an aggregator). `force` asks for every open
    shipment. `source` asks there rather than where each parcel is usually asked for. What has no account is left out.
    Raises ValueError for an unknown carrier and for a number without shipment or carrier, NoAccountError for a source
    asked for by name that has no account.
    """
    if source is not None:
        accounts.account(registry.row(source).name)
        if registry.row(source).kind == "carrier":
            carrier = carrier or source  # it knows its own parcels alone
    by_carrier, for_others, found = sources()
    if carrier and source is None and carrier not in by_carrier and for_others is None:
        accounts.account(registry.row(carrier).name)  # tells what is missing
    wanted = [number.replace(" ", "").upper() for number in numbers] if numbers else None
    with warehouse.connect(as_of=run.as_of, address=address) as link, link.cursor() as cursor:
        bounds = {name: _bounds(one, link) for name, one in found.items()}
        values = {
            "run_id": run.run_id,
            "as_of": run.as_of,
            "carriers": list(by_carrier),
            "sources": list(by_carrier.values()),
            "for_others": for_others,
            "carrier": carrier,
            "only_source": source,
            "numbers": wanted,
            "force": force,
            "silence": polling.SILENCE,
            "asked": list(bounds),
            "shard_sizes": [size for size, _ in bounds.values()],
            "most": [most for _, most in bounds.values()],
        }
        if wanted:
            _register(cursor, values, carrier, source, wanted)
        if polling.refresh_curves(cursor, run.as_of):
            log.info("made the curves of the polling plan anew")
        cursor.execute(statement("follow/enlist"), values)
        cursor.execute(statement("follow/request"), values)
        return [Shard(run.run_id, *row) for row in cursor.fetchall()]


def _register(
    cursor: Cursor, values: dict[str, object], carrier: str | None, source: str | None, wanted: list[str]
) -> None:
    """Registers the numbers that no shipment has; ValueError where it is not told whose they are."""
    if carrier is None and source is not None and registry.row(source).kind == "aggregator":
        carrier = UNKNOWN_CARRIER
    if carrier:
        # Loads of events register numbers, too: one at a time.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lanecast load shipments'))")
        cursor.execute(statement("follow/register"), values | {"carrier": carrier})
        return
    cursor.execute("SELECT tracking_number FROM core.shipment WHERE tracking_number = ANY(%s)", (wanted,))
    known = {row[0] for row in cursor.fetchall()}
    if missing := [number for number in wanted if number not in known]:
        raise ValueError(f"no shipment has the tracking number {', '.join(missing)}: name its carrier as well")


def _bounds(account: Account, link: warehouse.Connection) -> tuple[int, int]:
    """Parcels per shard, and parcels per run: as many as the account's rate allows and as calls are left to it."""
    most = PARCELS_PER_SHARD * SHARDS_PER_SOURCE
    if not account.is_sandbox:
        limits = http.limits_of(account)
        calls = max(1, int(limits.requests_per_second * SECONDS_PER_PULL))
        left = calls_left(link, account_key(account), limits)
        # At least one: a budget that is spent is then told of by the pull, and the parcels stay due.
        calls = calls if left is None else max(1, min(calls, left))
        most = calls * registry.adapter(account.carrier).numbers_per_request
    return max(PARCELS_PER_SHARD, -(-most // SHARDS_PER_SOURCE)), most
