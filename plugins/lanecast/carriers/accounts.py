"""As whom a carrier is asked: the connection `lanecast_<carrier>`, else the sandbox."""

from __future__ import annotations

from lanecast import connections, settings
from lanecast.carriers.base import Account
from lanecast.carriers.registry import row

SANDBOX_SECRET = "sandbox-secret"  # noqa: S105 - the sandbox's public password, no secret


class NoAccountError(LookupError):
    """Neither a connection nor a sandbox tells how to ask a carrier."""


def account(carrier: str) -> Account:
    """The account of a carrier: of its Airflow connection, else of the sandbox.

    NoAccountError if there is neither, ValueError if the connection lacks what the carrier needs.
    """
    known = row(carrier)
    name = f"lanecast_{carrier}"
    found = connections.get(name)
    if found is not None:
        base_url = found.base_url if found.host else known.base_url
        if known.credentials != "none" and not found.password:
            raise ValueError(f"connection {name} has no password: put the client secret or the API key there")
        if known.credentials == "login and password" and not found.login:
            raise ValueError(f"connection {name} has no login: put the client id there")
        connections.refuse_plain_http(found, base_url)
        return Account(
            carrier=carrier,
            base_url=base_url,
            login=found.login or "",
            password=found.password or "",
            extra=found.extra,
        )
    sandbox = settings.sandbox_url()
    if sandbox is None:
        raise NoAccountError(
            f"no way to ask {carrier}: add an Airflow connection {name} (login, password), "
            "or set LANECAST_SANDBOX_URL to the sandbox carriers"
        )
    return Account(
        carrier=carrier,
        base_url=f"{sandbox.rstrip('/')}/{carrier}",
        login=f"sandbox-{carrier}",
        password=SANDBOX_SECRET,
        is_sandbox=True,
    )
