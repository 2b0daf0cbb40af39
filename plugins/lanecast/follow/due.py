"""What is due: enlists open shipments, and divides what a run asks for into shards of bounded size and number."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lanecast.carriers import accounts, http, registry
from lanecast.carriers.base import Account
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

SHARDS_PER_CARRIER = 8
PARCELS_PER_SHARD = 2500
SECONDS_PER_PULL = 1800.0
"""A run asks an account of your own for no more than its rate allows in this time; the rest stays due."""


@dataclass(frozen=True)
class Shard:
    """A part of what one run asks one carrier for: the work of one mapped task."""

    run_id: str
    carrier: str
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
    address: str | None = None,
) -> list[Shard]:
    """Decides what this run asks for, writes it to ops.poll_request, and returns the shards.

    `numbers` asks for just these, due or not; one that no shipment has is registered, which needs `carrier`. `force`
    asks for every open shipment. Carriers without an account are left out. Raises ValueError for an unknown carrier and
    for a number without shipment or carrier, NoAccountError for a carrier asked for by name that has no account.
    """
    if carrier:
        accounts.account(registry.row(carrier).name)
        carriers = [carrier]
    else:
        carriers = [name for name in registry.names() if _has_account(name)]
    wanted = [number.replace(" ", "").upper() for number in numbers] if numbers else None
    bounds = [_bounds(accounts.account(name)) for name in carriers]
    values = {
        "run_id": run.run_id,
        "as_of": run.as_of,
        "carriers": list(carriers),
        "carrier": carrier,
        "numbers": wanted,
        "force": force,
        "shard_sizes": [size for size, _ in bounds],
        "most": [most for _, most in bounds],
    }
    with warehouse.connect(as_of=run.as_of, address=address) as link, link.cursor() as cursor:
        if wanted and carrier:
            # Loads of events register numbers, too: one at a time.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lanecast load tracking_event'))")
            cursor.execute(statement("follow/register"), values)
        elif wanted:
            cursor.execute("SELECT tracking_number FROM core.shipment WHERE tracking_number = ANY(%s)", (wanted,))
            known = {row[0] for row in cursor.fetchall()}
            if missing := [number for number in wanted if number not in known]:
                raise ValueError(f"no shipment has the tracking number {', '.join(missing)}: name its carrier as well")
        cursor.execute(statement("follow/enlist"), values)
        cursor.execute(statement("follow/request"), values)
        return [Shard(run.run_id, *row) for row in cursor.fetchall()]


def _has_account(carrier: str) -> bool:
    try:
        accounts.account(carrier)
    except accounts.NoAccountError as missing:
        log.warning("%s is left out: %s", carrier, missing)
        return False
    return True


def _bounds(account: Account) -> tuple[int, int]:
    """Parcels per shard, and parcels per run. An account of your own gets one shard, for its rate is kept per task."""
    if account.is_sandbox:
        return PARCELS_PER_SHARD, PARCELS_PER_SHARD * SHARDS_PER_CARRIER
    requests = http.limits_of(account).requests_per_second * SECONDS_PER_PULL
    most = max(1, int(requests)) * registry.adapter(account.carrier).numbers_per_request
    return most, most
