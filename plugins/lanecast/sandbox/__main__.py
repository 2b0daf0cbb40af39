"""`python -m lanecast.sandbox --port N`: the sandbox carriers as a process of their own."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from lanecast.sandbox.description import WorldError
from lanecast.sandbox.server import serve

log = logging.getLogger("lanecast.sandbox")


def main(arguments: list[str] | None = None) -> int:
    """Read the options and serve; 2 where they or the world cannot be used."""
    options = _options().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        serve(
            options.host,
            options.port,
            options.world,
            options.seed,
            options.anchor,
            options.start,
            options.speed,
            options.token_seconds,
        )
    except (WorldError, ValueError, OSError) as problem:
        log.error("%s", problem)
        return 2
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lanecast.sandbox", description="Stand-in carriers over a simulated world.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one, which the ready line names")
    parser.add_argument("--world", type=Path, help="the world's YAML file; default: the world that comes along")
    parser.add_argument("--seed", type=int, help="default: the world's own")
    parser.add_argument(
        "--anchor",
        type=_time,
        default=os.environ.get("LANECAST_SANDBOX_ANCHOR") or None,
        help="the wall time at which the world's clock started (ISO 8601), so that a restart goes on in the same "
        "world; default: LANECAST_SANDBOX_ANCHOR, else now",
    )
    parser.add_argument("--start", type=_time, help="the world's time at the anchor; default: the world's own")
    parser.add_argument("--speed", type=float, help="world seconds per second; default: the world's own")
    parser.add_argument("--token-seconds", type=float, help="how long tokens live; default: the world's own")
    return parser


def _time(text: str) -> datetime:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time, such as 2026-03-01T00:00:00Z") from None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
