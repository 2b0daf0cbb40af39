"""What it is worth to promise a day, for the terminal and as a plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from lanecast.delivery.promise import Choice

MOST = 24
"""Days shown in the terminal."""
_BARS = 30
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 720, 360, 64, 24, 48


def lines(choices: Sequence[Choice]) -> Iterator[str]:
    """The best day in a sentence, and a table of days: how many are late, and the value, also as a bar."""
    best = next(one for one in choices if one["is_best"])
    yield (
        f"Promise {best['promised_date']}, {best['promised_days']} days from the start: "
        f"{_share(best['p_late'])} come later, {best['expected_days_late']:.2f} late days per parcel."
    )
    yield f"Worth {best['expected_value']:,.2f} per parcel; best at {best['optimum_days']:.1f} days   ({best['basis']})"
    yield ""
    yield f"{'days':>5} {'date':10} {'late':>7} {'days late':>9} {'value':>10}"
    shown = _shown(choices)
    top = max(one["expected_value"] for one in shown)
    span = top - min(one["expected_value"] for one in shown) or 1.0
    for one in shown:
        bar = "#" * round(_BARS * (1 - (top - one["expected_value"]) / span))
        mark = " <- best" if one["is_best"] else ""
        yield (
            f"{one['promised_days']:5} {one['promised_date']} {_share(one['p_late']):>7} "
            f"{one['expected_days_late']:9.2f} {one['expected_value']:10,.2f} {bar}{mark}"
        )


def write_plot(choices: Sequence[Choice], path: Path) -> None:
    """Draws value and share late by promised day as an SVG file. Raises OSError where it can't be written."""
    path.write_text(plot(choices), encoding="utf-8")


def plot(choices: Sequence[Choice]) -> str:
    """The plot as SVG: the value, the share late on its own scale from 0 to 1, and the best day."""
    best = next(one for one in choices if one["is_best"])
    values = [one["expected_value"] for one in choices]
    low, high = min(values), max(values)
    last = choices[-1]["promised_days"] or 1
    wide, tall = _WIDTH - 2 * _LEFT, _HEIGHT - _TOP - _BOTTOM

    def across(days: float) -> float:
        return _LEFT + wide * days / last

    def up(share: float) -> float:
        return _TOP + tall * (1 - share)

    def points(heights: Sequence[float]) -> str:
        return " ".join(
            f"{across(one['promised_days']):.1f},{up(height):.1f}" for one, height in zip(choices, heights, strict=True)
        )

    worth = points([(value - low) / (high - low or 1) for value in values])
    late = points([one["p_late"] for one in choices])
    middle = across(best["promised_days"])
    text = '<text x="{:.1f}" y="{:.1f}" text-anchor="{}" fill="{}">{}</text>'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-size="12" '
        'font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<path d="M{_LEFT},{_TOP}V{_TOP + tall}H{_LEFT + wide}V{_TOP}" fill="none" stroke="#999"/>',
        f'<path d="M{middle:.1f},{_TOP}V{_TOP + tall}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<polyline points="{worth}" fill="none" stroke="#0b5cad" stroke-width="2"/>',
        f'<polyline points="{late}" fill="none" stroke="#b3261e" stroke-width="2"/>',
        text.format(_LEFT - 6, _TOP + 10, "end", "#0b5cad", f"{high:,.1f}"),
        text.format(_LEFT - 6, _TOP + tall, "end", "#0b5cad", f"{low:,.1f}"),
        text.format(_LEFT, _TOP - 8, "start", "#0b5cad", "value per parcel"),
        text.format(_LEFT + wide + 6, _TOP + 10, "start", "#b3261e", "100 %"),
        text.format(_LEFT + wide + 6, _TOP + tall, "start", "#b3261e", "0 %"),
        text.format(_LEFT + wide, _TOP - 8, "end", "#b3261e", "share late"),
        text.format(
            middle, _TOP + tall + 18, "middle", "#222", f"best: {best['promised_days']} days, {best['promised_date']}"
        ),
        text.format(_LEFT + wide / 2, _HEIGHT - 8, "middle", "#222", escape(f"promised days; {best['basis']}")),
        text.format(_LEFT, _TOP + tall + 18, "middle", "#222", "0"),
        text.format(_LEFT + wide, _TOP + tall + 18, "middle", "#222", str(last)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _shown(choices: Sequence[Choice]) -> list[Choice]:
    """The days around those that matter: from the first that some parcels keep to one by which nearly all have arrived,
    thinned out to MOST, the best always among them."""
    told = [one for one in choices if 0.001 < one["p_late"] < 0.9995 or one["is_best"]] or list(choices)
    step = -(-len(told) // MOST)
    return [one for number, one in enumerate(told) if number % step == 0 or one["is_best"]]


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"
