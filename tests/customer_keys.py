"""The secret of the tests' customers, and the keys that it makes."""

from __future__ import annotations

from lanecast.customers.keys import customer_key

SECRET = "a secret of the tests alone"
VARIABLE = "AIRFLOW_CONN_LANECAST_PRIVACY"
CONNECTION = '{"conn_type": "generic", "password": "' + SECRET + '"}'


def key(shop_id: str) -> str:
    """The pseudonymous key of a customer."""
    return customer_key(SECRET.encode(), shop_id)
