"""The world's clock: world time runs from `start` at the wall instant `anchor`, `speed` times as fast."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def wall_time() -> datetime:
    """The machine's own time, UTC."""
    return datetime.now(UTC)


class WorldClock:
    """World time. The same start, anchor and speed give the same time again after a restart."""

    def __init__(
        self, start: datetime | None, anchor: datetime, speed: float, wall: Callable[[], datetime] = wall_time
    ) -> None:
        """`start` None means the anchor itself. `speed` is in world seconds a wall second; 0 stands still."""
        if anchor.tzinfo is None or (start is not None and start.tzinfo is None):
            raise ValueError("the clock's start and anchor need a zone: write them with an offset or Z")
        if speed < 0:
            raise ValueError(f"the clock's speed is {speed}: time does not run backwards, give 0 or more")
        self.anchor = anchor.astimezone(UTC)
        self.start = (start or anchor).astimezone(UTC).replace(microsecond=0)
        self.speed = speed
        self._wall = wall

    def now(self) -> datetime:
        """The world's time now; never before its start."""
        return self.start + max(self._wall() - self.anchor, timedelta()) * self.speed

    def now_seconds(self) -> int:
        """The world's time now, in whole seconds since 1970 UTC."""
        return int(self.now().timestamp())
