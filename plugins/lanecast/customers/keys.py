"""Customers' pseudonymous keys: who a customer is, is known to the shop alone.

A key is an HMAC (RFC 2104) of the shop's id of the customer, so that nobody without the secret can tell whose it is,
not even by trying all ids. The secret is the password of the connection `lanecast_privacy`; commands on one machine
fall back to the state folder's own.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from lanecast import connections, settings

CONNECTION_NAME = "lanecast_privacy"
CREDENTIAL = "customer_keys"
"""The name of the state folder's own secret, among its credentials."""

LEAST_SECRET = 16
"""Characters that a secret has at least: a shorter one could be found by trying."""

_DIGITS = 32
_KEY = re.compile(r"c[0-9a-f]{32}", re.ASCII)
_WHOLE_NUMBER = re.compile(r"(\d+)\.0+", re.ASCII)


class CustomerKeyError(RuntimeError):
    """There is no secret to make customers' keys with, or it is not the one that the known keys were made with."""


def secret() -> bytes:
    """What customers' keys are made with: the password of connection `lanecast_privacy`, else, outside Airflow's tasks,
    the state folder's own, which is made where there is none.

    Raises CustomerKeyError where a task has no such connection, or its password is missing or too short.
    """
    found = connections.get(CONNECTION_NAME)
    if found is None:
        if connections.in_airflow_task():
            raise CustomerKeyError(
                f"customers' keys need a secret: add an Airflow connection {CONNECTION_NAME} whose password is "
                f"at least {LEAST_SECRET} random characters (`openssl rand -hex 32`), and keep it with the warehouse"
            )
        from lanecast.local import credentials

        return credentials.load(settings.state())[CREDENTIAL].encode()
    password = found.password or ""
    if len(password) < LEAST_SECRET:
        raise CustomerKeyError(
            f"connection {CONNECTION_NAME} has {'too short a' if password else 'no'} password: give it at least "
            f"{LEAST_SECRET} random characters (`openssl rand -hex 32`)"
        )
    return password.encode()


def is_configured() -> bool:
    """Whether a connection tells the secret, and not this machine."""
    return connections.get(CONNECTION_NAME) is not None


def customer_key(secret: bytes, shop_id: str) -> str:
    """The pseudonymous key of the customer whom the shop calls `shop_id`: `c` and 32 hexadecimal digits, 128 bits."""
    return "c" + hmac.digest(secret, shop_id.strip().encode(), hashlib.sha256).hex()[:_DIGITS]


def is_key(text: str) -> bool:
    """Whether a text looks like a key, and like no shop's id."""
    return _KEY.fullmatch(text) is not None


def bare_gid(text: str) -> str:
    """A shop's own id: Shopify's `gid://shopify/Customer/123` is `123`; others are as they are."""
    if not text.startswith("gid://"):
        return text
    return text.rpartition("/")[2].partition("?")[0].strip()


def bare_id(text: str) -> str:
    """A customer's id as the shop prints it, without blanks around it: a number that a table kept as 13085.0 is 13085,
    and so is gid://shopify/Customer/13085."""
    told = bare_gid(text.strip())
    found = _WHOLE_NUMBER.fullmatch(told)
    return found[1] if found else told


def fingerprint(secret: bytes) -> str:
    """What tells whether two secrets are the same one, without telling either."""
    return hmac.digest(secret, b"lanecast customer keys", hashlib.sha256).hex()
