"""The stand-ins, one module per carrier: its wire format, and the code by which the platform knows an event.

Binding for the history export: a stand-in's `code_and_text` gives the very string that the platform's adapter of that
carrier puts into an event's code, so that a scan pulled after it was imported is recognised as a duplicate.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Literal

from lanecast.carriers import registry
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.wire.base import StandIn


@cache
def stand_in(carrier: str) -> StandIn:
    """The stand-in of a carrier: `STAND_IN` of the module of its name. ValueError where there is none."""
    if carrier not in names():
        raise ValueError(f"no stand-in for {carrier!r}: there are {', '.join(names())}")
    found: type[StandIn] = import_module(f"lanecast.sandbox.wire.{carrier}").STAND_IN
    return found()


@cache
def names(kind: Literal["carrier", "aggregator"] | None = None) -> tuple[str, ...]:
    """The registered carriers and aggregators that have a stand-in."""
    return tuple(name for name in registry.names(kind) if find_spec(f"lanecast.sandbox.wire.{name}") is not None)


def code_and_text(carrier: str, scan: Scan) -> tuple[str, str]:
    """The code of a scan as the platform keeps it, and the carrier's words for it."""
    return stand_in(carrier).code_and_text(scan)
