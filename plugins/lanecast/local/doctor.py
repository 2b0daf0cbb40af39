"""`lanecast doctor`: what the platform needs, checked one by one, each with the remedy where it fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from lanecast import settings

_LEAST_FREE_GIB = 2


def examine() -> list[dict[str, Any]]:
    """Every check's name, whether it passed, and what was found."""
    found = []
    for name, check in _CHECKS.items():
        try:
            found.append({"name": name, "ok": True, "detail": check()})
        except Exception as error:  # each check tells what is wrong in its own words
            found.append({"name": name, "ok": False, "detail": f"{error}"})
    return found


def _folders() -> str:
    for part in ("dags", "plugins", "include/sql", "include/contracts"):
        if not (settings.home() / part).is_dir():
            raise FileNotFoundError(f"{settings.home()} has no {part}: set LANECAST_HOME to the checkout")
    return str(settings.home())


def _disk() -> str:
    folder = settings.state()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    if free < _LEAST_FREE_GIB:
        raise OSError(f"{free:.1f} GiB free at {folder}: {_LEAST_FREE_GIB} are needed, or set LANECAST_STATE elsewhere")
    return f"{free:.0f} GiB free"


def _state() -> str:
    folder = settings.state()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} is not writable: set LANECAST_STATE elsewhere")
    return str(folder)


def _warehouse() -> str:
    from lanecast.contracts import catalogue
    from lanecast.local.session import open_warehouse
    from lanecast.warehouse import connection as warehouse
    from lanecast.warehouse.connection import only_row

    with open_warehouse() as described, warehouse.connect() as link, link.cursor() as cursor:
        cursor.execute("SHOW server_version")
        told = f"{described}, Postgres {only_row(cursor)[0]}"
        others = catalogue.of_others(catalogue.relations(link))
    return told + (f"; in core and mart, not Lanecast's and left alone: {', '.join(others)}" if others else "")


def _contracts() -> str:
    from lanecast.contracts.reader import contract, datasets

    names = datasets()
    return f"{sum(len(contract(name).rules) for name in names)} rules in {len(names)} contracts"


def _carriers() -> str:
    from lanecast.carriers import accounts, registry

    told = []
    for name in registry.names():
        try:
            told.append(f"{name}: {'sandbox' if accounts.account(name).is_sandbox else 'own account'}")
        except accounts.NoAccountError:
            told.append(f"{name}: the sandbox once the platform is up")
    return ", ".join(told)


def _customers() -> str:
    """Whether there is a secret for customers' keys, and it is that of the known ones."""
    from lanecast.customers import agreement, keys
    from lanecast.local.session import open_warehouse

    with open_warehouse():
        agreement.keys_of(())
    owner = f"connection {keys.CONNECTION_NAME}" if keys.is_configured() else "this machine"
    return f"keys by the secret of {owner}"


def _learning() -> str:
    """Whether the delivery model can be learned. Where it can't, the life table answers, so that nothing fails."""
    from lanecast.delivery.model.hazard import NoLightGBM, library

    try:
        return f"LightGBM {library().__version__}"
    except NoLightGBM as error:
        return str(error)


_CHECKS: dict[str, Callable[[], str]] = {
    "checkout": _folders,
    "disk": _disk,
    "state folder": _state,
    "warehouse": _warehouse,
    "contracts": _contracts,
    "carriers": _carriers,
    "customers": _customers,
    "delivery model": _learning,
}
