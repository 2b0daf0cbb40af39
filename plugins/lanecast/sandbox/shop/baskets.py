"""What is in an order: by taste, by what goes together, and by what has run out."""

from __future__ import annotations

from lanecast.sandbox.network import Weighted
from lanecast.sandbox.shop.catalogue import Catalogue
from lanecast.sandbox.shop.customers import Customers
from lanecast.sandbox.shop.description import Shop
from lanecast.sandbox.shop.orders import Line
from lanecast.sandbox.workdays import DAY

_DUE = 0.75
_MOST_AGAIN = 3


class Baskets:
    """Fills baskets, and remembers when each customer last bought what is consumed."""

    def __init__(self, shop: Shop, catalogue: Catalogue, customers: Customers) -> None:
        """Nobody has bought anything yet."""
        self._shop = shop
        self._catalogue = catalogue
        self._customers = customers
        self._lines = Weighted((count, weight) for count, weight in enumerate(shop.lines, start=1) if weight)
        self._bought: dict[int, dict[int, int]] = {}

    def fill(
        self, order: int, customer: int | None, at: int, draws: list[float], is_kept: bool = True
    ) -> tuple[int, list[Line]]:
        """The group whose taste it follows, and the lines. Takes 25 draws; what is not kept is not consumed."""
        shop, catalogue = self._shop, self._catalogue
        group = int(draws[0] * shop.groups) if customer is None else self._customers.group[customer]
        chosen = self._due(customer, at, draws[22:25])
        wanted = max(self._lines.pick(draws[1]), len(chosen))
        for place in range(len(chosen), wanted):
            one, how, by_taste = draws[2 + place], draws[7 + place], draws[12 + place] < shop.taste
            number = catalogue.choose(group, at, by_taste, one)
            if chosen and how < shop.together:
                companions = catalogue.products[chosen[-1]].companions
                companion = companions[int(how / shop.together * len(companions))] if companions else number
                number = companion if catalogue.can_be_bought(companion, at) else number
            if number not in chosen:
                chosen.append(number)
        lines = [
            Line(
                order * 100 + place,
                number,
                1 + (draws[17 + place] < 0.2) + (draws[17 + place] < 0.05),
                catalogue.products[number].price,
            )
            for place, number in enumerate(chosen)
        ]
        if customer is not None and is_kept:
            self._remember(customer, at, chosen)
        return group, lines

    def _due(self, customer: int | None, at: int, draws: list[float]) -> list[int]:
        if customer is None:
            return []
        pace = self._customers.pace[customer]
        due = []
        for number, bought_at in self._bought.get(customer, {}).items():
            rhythm = self._catalogue.products[number].rhythm_days
            if rhythm is not None and at - bought_at >= _DUE * rhythm * pace * DAY:
                due.append(number)
        due = due[-_MOST_AGAIN:]
        return [
            number
            for number, drawn in zip(due, draws, strict=False)
            if drawn < self._shop.again and self._catalogue.can_be_bought(number, at)
        ]

    def _remember(self, customer: int, at: int, chosen: list[int]) -> None:
        known = self._bought.setdefault(customer, {})
        for number in chosen:
            if self._catalogue.products[number].rhythm_days is not None:
                known.pop(number, None)
                known[number] = at
