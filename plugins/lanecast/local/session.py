"""The warehouse for one command: the one configured, else this machine's own, started for the command if it is down."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lanecast import settings
from lanecast.local.server import start_server
from lanecast.warehouse import migrations
from lanecast.warehouse.connection import CONNECTION_NAME

VARIABLE = f"AIRFLOW_CONN_{CONNECTION_NAME.upper()}"


@contextmanager
def open_warehouse() -> Iterator[str]:
    """Where the command's warehouse is, in words; inside, `lanecast_warehouse` is configured and its schema current."""
    if os.environ.get(VARIABLE):
        migrations.migrate()
        yield f"the warehouse of {VARIABLE}"
        return
    server = start_server(settings.state())
    os.environ[VARIABLE] = server.dsn()
    try:
        migrations.migrate()
        yield f"the warehouse in {settings.state()}"
    finally:
        del os.environ[VARIABLE]
        server.stop()
