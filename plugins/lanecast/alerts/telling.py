"""Tells each channel what it has not told yet, in one message.

An alert counts as told by a channel once the channel took the message: a kill between the two tells again, never not at
all. A channel that fails is tried again by the next telling, and stops neither the others nor the data; nor does a
warehouse that can't be reached meanwhile.
"""

from __future__ import annotations

import logging

import psycopg2

from lanecast.alerts import channels
from lanecast.alerts.channels import ChannelFailed
from lanecast.alerts.message import Told, compose
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import NoWarehouse, only_row
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)


def tell(address: str | None = None) -> dict[str, int]:
    """Tells every channel its news; returns how many alerts each told. A channel that failed is not in it."""
    told = {}
    active = channels.names()
    for channel in active:
        try:
            told[channel] = _tell(channel, address)
        except ChannelFailed as failed:
            log.warning("alerts stay untold on a channel until the next watch: %s", failed)
        except (psycopg2.Error, NoWarehouse) as failed:
            log.error("alerts may be told again on the channel %s by the next watch: %s", channel, _first_line(failed))
    try:
        with warehouse.connect(address=address) as link, link.cursor() as cursor:
            cursor.execute(statement("alerts/close_told"), {"channels": active})
    except (psycopg2.Error, NoWarehouse) as failed:
        log.error("the alerts told are closed by the next watch: %s", _first_line(failed))
    return told


def _tell(channel: str, address: str | None) -> int:
    with warehouse.connect(address=address) as lock, lock.cursor() as cursor:
        # it waits while the channel sends, which may take longer than a server lets a transaction idle
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        # who holds the lock tells what is there; what came since is told by the next telling
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('lanecast alerts ' || %s))", (channel,))
        if not only_row(cursor)[0]:
            return 0
        news = _untold(channel, address)
        if news:
            channels.send(channel, compose(news))
            _note(channel, news, address)
        return len(news)


def _untold(channel: str, address: str | None) -> list[Told]:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("alerts/untold"), {"channel": channel})
        return [Told(*row) for row in cursor.fetchall()]


def _note(channel: str, news: list[Told], address: str | None) -> None:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            statement("alerts/note_told"),
            {
                "channel": channel,
                "alert_ids": [one.alert_id for one in news],
                "resolved": [one.resolved_at is not None for one in news],
            },
        )


def _first_line(failed: Exception) -> str:
    return f"{type(failed).__name__}: {str(failed).partition(chr(10))[0]}"
