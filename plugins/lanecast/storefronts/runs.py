"""The runs of storefronts: one for each source, so that what goes wrong with one leaves the others alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from lanecast.customers.agreement import agreed_secret
from lanecast.storefronts import accounts, config
from lanecast.storefronts.accounts import Way
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import runs
from lanecast.warehouse.runs import Run

log = logging.getLogger(__name__)


class NothingToRead(ValueError):
    """A source was named that can't be asked: says why."""


def chosen(only: str | None = None) -> list[Way]:
    """The sources that can be asked, or the one that is named; those that can't are said. ConfigError where the file of
    sources can't be used or has none of that name, NothingToRead where the one named can't be asked."""
    if only is not None:
        config.source(only)
    found: list[Way] = []
    for way in accounts.ways(config.sources()):
        if only is not None and way.source.name != only:
            continue
        if way.account is not None:
            found.append(way)
        elif only is not None:
            raise NothingToRead(f"{only} can't be asked: {way.why_skipped}")
        else:
            log.info("%s is skipped: %s", way.source.name, way.why_skipped)
    return found


def open_runs(base: str, only: str | None = None, full: bool = False, address: str | None = None) -> Sequence[Run]:
    """Opens a run for each source that can be asked, `base/source`. Raises as `chosen`, and CustomerKeyError where
    customers have no secret, or another than before."""
    ways = chosen(only)
    if ways:
        agreed_secret(address)
    with warehouse.connect(address=address) as link:
        return [
            runs.open_run(
                link,
                f"{base}/{way.source.name}",
                "storefront",
                "order_line",
                way.source.name,
                {"streams": list(way.source.streams), "full": full},
            )
            for way in ways
        ]
