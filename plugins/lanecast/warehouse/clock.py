"""The clock of a simulated world, which `ops.as_of()` then reads in place of the wall clock."""

from __future__ import annotations

from datetime import datetime

from lanecast.warehouse import connection as warehouse


def set_clock(world_start: datetime, wall_start: datetime, speed: float, address: str | None = None) -> None:
    """World time runs from `world_start` at the wall instant `wall_start`, `speed` times as fast (0 stands still)."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ops.clock (world_start, wall_start, speed) VALUES (%s, %s, %s) "
            "ON CONFLICT (only_row) DO UPDATE SET world_start = excluded.world_start, "
            "wall_start = excluded.wall_start, speed = excluded.speed",
            (world_start, wall_start, speed),
        )


def clear_clock(address: str | None = None) -> None:
    """Back to the wall clock: there is no simulated world any more."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("DELETE FROM ops.clock")
