"""Small charts as SVG: where points and bars lie. Words and numbers stand beside them, as HTML, and stay legible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 120
HEIGHT = 28
_EDGE = 3
"""Space around a line, so that its thickness and its last point are not cut."""


class Bar(NamedTuple):
    """A bar in a box of 100 by 100."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """A line in a box of WIDTH by HEIGHT: its stretches, and where it ends."""

    stretches: list[str]
    end_x: float
    end_y: float


def line(values: Sequence[float | None]) -> Line | None:
    """The line through the values, from nought at the bottom to the highest at the top; None where there is no value.

    A missing value interrupts it.
    """
    known = [(number, value) for number, value in enumerate(values) if value is not None]
    if not known:
        return None
    top = max(value for _, value in known) or 1
    step = (WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
    # A single value lies at the end, where every run's own value lies.
    shift = WIDTH - 2 * _EDGE if len(values) == 1 else 0.0

    def place(number: int, value: float) -> tuple[float, float]:
        return round(_EDGE + shift + number * step, 1), round(HEIGHT - _EDGE - value / top * (HEIGHT - 2 * _EDGE), 1)

    stretches: list[list[str]] = []
    before = -2
    for number, value in known:
        if number != before + 1:
            stretches.append([])
        stretches[-1].append("{},{}".format(*place(number, value)))
        before = number
    return Line([" ".join(points) for points in stretches], *place(*known[-1]))


def bars(values: Sequence[float], top: float, slots: int) -> list[Bar]:
    """One bar a value, at the right end of `slots` equal places; `top` fills the height."""
    slot = 100 / slots
    gap = min(slot * 0.25, 1.5)
    return [
        Bar(
            x=round((slots - len(values) + number) * slot + gap / 2, 2),
            y=round(100 - height, 2),
            width=round(slot - gap, 2),
            height=round(height, 2),
        )
        for number, value in enumerate(values)
        # What is not nought can be seen.
        for height in [max(100 * value / top, 1.5) if value and top else 0.0]
    ]


def parts(counts: Sequence[int]) -> list[Bar]:
    """The counts as parts of one lying bar, side by side; a part that is not nought can be seen."""
    whole = sum(counts)
    if not whole:
        return [Bar(0, 0, 0, 100) for _ in counts]
    shares = [max(count / whole, 0.006) if count else 0.0 for count in counts]
    scale = 100 / sum(shares)
    places = [sum(shares[:number]) * scale for number in range(len(shares))]
    return [Bar(round(x, 2), 0, round(share * scale, 2), 100) for x, share in zip(places, shares, strict=True)]


def rounded_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8, 10, 20, ... that is no less: where an axis ends."""
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))
