"""Which parcels' answers and which history rows are broken, and how: always the same ones of a seed."""

from __future__ import annotations

from lanecast.sandbox.description import Description
from lanecast.sandbox.draws import uniform

ANSWER_FLAWS = ("impossible_date", "future_event", "unknown_country", "malformed_parcel")
HISTORY_FLAWS = ("delivered_before_shipped", "unreadable_date", "unreadable_event_date")


class Dirt:
    """The dirt of one world."""

    def __init__(self, description: Description, seed: int) -> None:
        """Shares come from the description."""
        self._answers = description.dirt.answers
        self._history = description.dirt.history
        self._without_offset = {code: carrier.without_offset for code, carrier in description.carriers.items()}
        self._seed = seed

    def in_answer(self, carrier: str, number: str) -> str | None:
        """The flaw (of ANSWER_FLAWS) in every answer about a number, or None."""
        return _choose(uniform(self._seed, "answer", carrier, number), self._answers, ANSWER_FLAWS)

    def in_history(self, carrier: str, number: str) -> str | None:
        """The flaw (of HISTORY_FLAWS) in a finished shipment's rows of the export, or None."""
        return _choose(uniform(self._seed, "history", carrier, number), self._history, HISTORY_FLAWS)

    def lacks_offset(self, carrier: str, number: str) -> bool:
        """Whether a carrier's answers about a number leave out what tells the offset."""
        return uniform(self._seed, "offset", number) < self._without_offset.get(carrier, 0.0)


def _choose(drawn: float, share: float, flaws: tuple[str, ...]) -> str | None:
    return flaws[int(drawn / share * len(flaws))] if drawn < share else None
