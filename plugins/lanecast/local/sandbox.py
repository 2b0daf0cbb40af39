"""How the platform runs the sandbox carriers: their command line, and a world clock that survives restarts."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True)
class World:
    """Which world the sandbox simulates: a YAML file (None: the one that comes with Lanecast) and a seed."""

    file: Path | None = None
    seed: int | None = None

    def fingerprint(self) -> str:
        """Changes with the file's content and the seed."""
        content = self.file.read_bytes() if self.file else b""
        return hashlib.sha256(content + f"|{self.seed}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Clock:
    """World time runs from `start` at the wall instant `anchor`, `speed` times as fast."""

    start: datetime
    anchor: datetime
    speed: float


def anchor(kept: dict[str, Any], world: World) -> tuple[str, str]:
    """The wall instant at which the world starts, ISO 8601, and the world's fingerprint.

    `kept` is platform.json's `world`: the instant stays the same until the world's file or seed change.
    """
    fingerprint = world.fingerprint()
    if kept.get("fingerprint") == fingerprint and kept.get("anchor"):
        return str(kept["anchor"]), fingerprint
    return datetime.now(UTC).replace(microsecond=0).isoformat(), fingerprint


def command(port: int, world: World, anchor_at: str) -> list[str]:
    """The sandbox's command line."""
    argv = [sys.executable, "-m", "lanecast.sandbox", "--port", str(port), "--anchor", anchor_at]
    argv += ["--world", str(world.file.resolve())] if world.file else []
    return argv + (["--seed", str(world.seed)] if world.seed is not None else [])


def clock(url: str, limit: float = 5) -> Clock:
    """Ask a sandbox for its world's clock. Raises httpx.HTTPError, ValueError or KeyError on an answer that is none."""
    told = httpx.get(f"{url}/sandbox/clock", timeout=limit, trust_env=False).raise_for_status().json()
    return Clock(datetime.fromisoformat(told["start"]), datetime.fromisoformat(told["anchor"]), float(told["speed"]))
