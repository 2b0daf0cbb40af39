"""One warehouse, one secret: customers' keys are all made with the same secret.

ops.customer_secret keeps the secret's fingerprint. Where there is none yet, what an earlier version loaded under the
shop's own ids is put under keys first.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2.extensions import cursor as Cursor

from lanecast.customers import keys, rekeying
from lanecast.customers.keys import CustomerKeyError, customer_key
from lanecast.warehouse import connection as warehouse


def agreed_secret(address: str | None = None) -> bytes:
    """The secret of customers' keys, after the warehouse has agreed to it: the first one is noted, and rows that name
    customers by the shop's ids get keys, in one transaction.

    Raises CustomerKeyError where there is no secret, or the known keys were made with another one.
    """
    secret = keys.secret()
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        if check(cursor, secret):
            return secret
        # Nothing may be loaded meanwhile: it would be read as told by ids.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lanecast load customers and products'))")
        if not check(cursor, secret):
            rekeying.rekey(link, secret)
            cursor.execute(
                "INSERT INTO ops.customer_secret (fingerprint, noted_at) VALUES (%s, clock_timestamp())",
                (keys.fingerprint(secret),),
            )
    return secret


def keys_of(shop_ids: Iterable[str], address: str | None = None) -> list[dict[str, str]]:
    """The keys of customers whom the shop calls so, as customer_id and key. Raises CustomerKeyError as above; changes
    nothing."""
    secret = keys.secret()
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        check(cursor, secret)
    return [{"customer_id": one, "key": customer_key(secret, keys.bare_id(one))} for one in shop_ids]


def check(cursor: Cursor, secret: bytes) -> bool:
    """Whether a secret is noted. Raises CustomerKeyError where it is another one."""
    cursor.execute("SELECT fingerprint, noted_at FROM ops.customer_secret")
    noted = cursor.fetchone()
    if noted is not None and noted[0] != keys.fingerprint(secret):
        raise CustomerKeyError(
            f"the customers in this warehouse have keys of another secret, noted on {noted[1]:%Y-%m-%d}: give the "
            f"connection {keys.CONNECTION_NAME} the password that it had then. Where that is lost, docs/operations.md "
            "says what to do"
        )
    return noted is not None
