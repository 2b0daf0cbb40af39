"""Who is asked about a parcel: its own carrier, or an aggregator that tells of parcels of many carriers."""

from __future__ import annotations

import logging
from typing import NamedTuple

from lanecast.carriers import accounts, http, registry
from lanecast.carriers.base import Account

log = logging.getLogger(__name__)


class Sources(NamedTuple):
    """`by_carrier`: the source of each carrier; `for_others`: that of all other carriers; `accounts` by source."""

    by_carrier: dict[str, str]
    for_others: str | None
    accounts: dict[str, Account]


def sources() -> Sources:
    """Who is asked, by the accounts there are.

    A carrier of which one has an account is asked itself. All others are asked of the first aggregator that one has an
    account with, in the order of the registry; without any, a carrier's stand-in in the sandbox is asked.
    """
    found = {name: one for name in registry.names() if (one := _account(name)) is not None}
    own = {name for name, one in found.items() if not one.is_sandbox}
    aggregators = [name for name in registry.names("aggregator") if name in own]
    by_carrier: dict[str, str] = {}
    for name in registry.names("carrier"):
        if name in own or (name in found and not aggregators):
            by_carrier[name] = name
        elif aggregators:
            by_carrier[name] = aggregators[0]
    # A shipment may have been registered under the aggregator's own name: then that one is asked.
    by_carrier |= {name: name for name in registry.names("aggregator") if name in found}
    return Sources(by_carrier, aggregators[0] if aggregators else None, found)


def _account(name: str) -> Account | None:
    try:
        account = accounts.account(name)
        http.limits_of(account)
    except accounts.NoAccountError as missing:
        log.debug("%s is left out: %s", name, missing)
        return None
    except ValueError as unusable:  # one connection that can't be used must not stop the others
        log.warning("%s is left out: %s", name, unusable)
        return None
    return account
