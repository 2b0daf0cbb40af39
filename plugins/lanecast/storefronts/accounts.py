"""As whom a source is asked: its connection, else the sandbox, else it is skipped, and says so."""

from __future__ import annotations

from typing import NamedTuple

from lanecast import connections, settings
from lanecast.carriers.accounts import SANDBOX_SECRET
from lanecast.storefronts import asking
from lanecast.storefronts.base import SourceAccount
from lanecast.storefronts.config import SANDBOX, Source


class Way(NamedTuple):
    """How a source is reached: as which account, or why it is skipped."""

    source: Source
    account: SourceAccount | None
    why_skipped: str | None = None
    is_real: bool = False
    """Whether it has a connection of its own, or files: also where that can't be used now."""


def ways(sources: dict[str, Source]) -> list[Way]:
    """How each source is reached. As soon as one has a connection of its own, the sandbox stands in for none: a real
    shop's numbers and a simulated one's are never mixed."""
    found = [_way(source) for source in sources.values()]
    if any(way.is_real for way in found):
        return [
            way._replace(account=None, why_skipped="the sandbox, beside a source that is real")
            if way.account is not None and way.account.is_sandbox
            else way
            for way in found
        ]
    return found


def way(source: Source, sources: dict[str, Source]) -> Way:
    """How one of the sources is reached."""
    return next(one for one in ways(sources) if one.source.name == source.name)


def _way(source: Source) -> Way:
    try:
        account = _of_files(source) if source.kind == "files" else _of_connection(source) or _of_sandbox(source)
        if account is not None and source.kind in ("shopify", "woocommerce"):
            asking.limits_of(account)
            asking.page_size(account, usual=1, most=1)
    except ValueError as unusable:  # one connection that can't be used must not stop the others
        return Way(source, None, str(unusable), is_real=source.kind != "files")
    if account is None:
        return Way(source, None, f"no connection {source.connection}, and no sandbox for it")
    return Way(source, account, is_real=not account.is_sandbox)


def _of_connection(source: Source) -> SourceAccount | None:
    found = connections.get(source.connection)
    if found is None:
        return None
    if source.kind == "sql":
        return SourceAccount(source=source.name, connection=source.connection, base_url="", extra=found.extra)
    if not found.host:
        raise ValueError(f"connection {source.connection} has no host: put the shop's address there")
    if not found.password or (source.kind == "woocommerce" and not found.login):
        needed = {
            "shopify": "password: put the Admin API access token there",
            "woocommerce": "login and password: put the consumer key and the consumer secret there",
        }
        raise ValueError(f"connection {source.connection} lacks {needed[source.kind]}")
    connections.refuse_plain_http(found, found.base_url)
    return SourceAccount(
        source=source.name,
        connection=source.connection,
        base_url=found.base_url,
        login=found.login or "",
        password=found.password,
        extra=found.extra,
    )


def _of_sandbox(source: Source) -> SourceAccount | None:
    sandbox = settings.sandbox_url()
    if sandbox is None or source.kind not in ("shopify", "woocommerce"):
        return None
    return SourceAccount(
        source=source.name,
        connection=source.connection,
        base_url=f"{sandbox.rstrip('/')}/{source.kind}",
        login=f"sandbox-{source.kind}",
        password=SANDBOX_SECRET,
        is_sandbox=True,
    )


def _of_files(source: Source) -> SourceAccount:
    """Files need no account: where they lie on an object store, fsspec finds its own."""
    of_sandbox = any(SANDBOX in path for one in source.streams.values() for path in one.paths)
    sandbox = settings.sandbox_url()
    if of_sandbox and sandbox is None:
        raise ValueError("it lies in the sandbox, and LANECAST_SANDBOX_URL names none")
    return SourceAccount(
        source=source.name,
        connection=source.connection,
        base_url=(sandbox or "").rstrip("/") if of_sandbox else "",
        is_sandbox=of_sandbox,
    )
