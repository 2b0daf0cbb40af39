"""The kinds of shops that can be asked: each kind's adapter is the class `ADAPTER` of the module of its name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from lanecast.storefronts.base import ShopAdapter


@cache
def adapter_of(kind: str) -> ShopAdapter:
    """The adapter of a kind of shop; imported when it is first needed."""
    made: type[ShopAdapter] = import_module(f"lanecast.storefronts.{kind}").ADAPTER
    return made()
