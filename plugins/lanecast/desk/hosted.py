"""The desk inside Airflow's api-server: its users, and its connections. Airflow is imported in calls alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanecast.warehouse import connection as warehouse

if TYPE_CHECKING:
    from fastapi import FastAPI

_OPTIONS = frozenset({"sslmode", "sslrootcert", "target_session_attrs"})
"""The connection's extras that Postgres is told."""


def create() -> FastAPI:
    """The desk for those who may see Airflow's pages, by its session cookie or a bearer token."""
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
    from airflow.api_fastapi.core_api.security import requires_access_view

    from lanecast.desk.app import create_app

    return create_app(requires_access_view(AccessView.WEBSITE), address)


def address() -> str:
    """The warehouse's address: of the environment, else of the connection in Airflow's secrets backends or database.

    Raises NoWarehouse where neither knows one.
    """
    try:
        return warehouse.dsn()
    except warehouse.NoWarehouse as missing:
        from airflow.exceptions import AirflowNotFoundException
        from airflow.sdk import Connection
        from psycopg2.extensions import make_dsn

        try:
            found = Connection.get(warehouse.CONNECTION_NAME)
        except AirflowNotFoundException:
            raise missing from None
        options = {k: v for k, v in found.extra_dejson.items() if k in _OPTIONS}
        return str(
            make_dsn(
                host=found.host or "127.0.0.1",
                port=found.port or 5432,
                user=found.login,
                password=found.password,
                dbname=found.schema,
                **options,
            )
        )
