"""Migrations of the warehouse. A version names itself and its parent; its body is SQL."""

from typing import Literal

from alembic import op

from lanecast.warehouse.statements import statement


def run_body(revision: str, direction: Literal["upgrade", "downgrade"]) -> None:
    """Runs include/sql/migrations/<revision>/<direction>.sql."""
    body = statement(f"migrations/{revision}/{direction}")
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(body)
