"""The carriers' wire formats, one module per carrier, and the code by which the platform knows an event.

Binding for the history export: its `code` is the very string that the platform's adapter of that carrier puts into an
event's code, so that a scan pulled after it was imported is recognised as a duplicate:
ups `type/code`, fedex `eventType` with `:exceptionCode` where there is one, dhl `statusCode`, usps `eventCode`.
"""

from __future__ import annotations

from collections.abc import Callable

from lanecast.sandbox.journey import Scan
from lanecast.sandbox.wire import dhl, fedex, ups, usps

_CODE: dict[str, Callable[[Scan], tuple[str, str]]] = {
    "ups": ups.code_and_text,
    "fedex": fedex.code_and_text,
    "dhl": dhl.code_and_text,
    "usps": usps.code_and_text,
}


def code_and_text(carrier: str, scan: Scan) -> tuple[str, str]:
    """The code of a scan as the platform keeps it, and the carrier's words for it."""
    return _CODE[carrier](scan)
